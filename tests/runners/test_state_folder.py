import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.config.settings import Settings
from pipeline.errors import UserError
from runners import state_folder
from runners.flink.embedded import describe, worker_script
from runners.state_folder import StateFolder

ROOT = Path(state_folder.__file__).parent.parent


def folder(tmp_path: Path) -> StateFolder:
    return StateFolder.of(Settings(state_dir=str(tmp_path / "state"), application_id="me"))


def test_one_run_holds_the_folder_and_the_next_is_told_who(tmp_path):
    mine = folder(tmp_path)
    with mine.hold():
        assert mine.holder() == os.getpid()
        with pytest.raises(UserError, match=f"in use by another run, process {os.getpid()}"), folder(tmp_path).hold():
            pass
    assert mine.holder() is None
    with mine.hold():
        assert mine.root == tmp_path / "state" / "me"


def test_only_its_owner_can_look_into_the_folder(tmp_path):
    with folder(tmp_path).hold():
        assert folder(tmp_path).root.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("prepare", "told"),
    [
        (lambda root: os.chown(root, 4711, 4711), "belongs to user 4711"),
        (lambda root: root.chmod(0o777), "may be written by everybody"),
        (lambda root: root.parent.chmod(0o777), "can be replaced by everybody"),
        (lambda root: (root.rmdir(), root.symlink_to("/tmp")), "is a link"),  # noqa: S108 - any other folder
    ],
    ids=["of somebody else", "writable", "replaceable", "link"],
)
def test_a_folder_that_others_could_fill_is_refused(tmp_path, prepare, told):
    if os.geteuid() != 0 and told.startswith("belongs"):
        pytest.skip("only root can give a folder away")
    root = folder(tmp_path).root
    root.mkdir(parents=True)
    prepare(root)
    with pytest.raises(UserError, match=told), folder(tmp_path).hold():
        pass
    assert not (root / "lock").exists() or root.is_symlink()


def test_a_folder_of_our_own_in_tmp_is_accepted(tmp_path):
    tmp_path.chmod(0o1777)
    with StateFolder(tmp_path / "mine").hold():
        assert (tmp_path / "mine").stat().st_mode & 0o777 == 0o700


def test_nobody_holds_a_folder_that_is_not_there(tmp_path):
    assert folder(tmp_path).holder() is None


def test_a_holder_that_was_killed_holds_nothing(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from runners.state_folder import StateFolder\n"
        "with StateFolder(Path(sys.argv[1])).hold(): os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code, folder(tmp_path).root], cwd=ROOT, check=False)
    assert killed.returncode == -9
    with folder(tmp_path).hold():
        pass


def test_the_savepoint_of_a_cluster_is_remembered(tmp_path):
    assert folder(tmp_path).last_savepoint() == ""
    folder(tmp_path).remember_savepoint("s3://bucket/savepoint-1")
    assert folder(tmp_path).last_savepoint() == "s3://bucket/savepoint-1"


def test_the_worker_script_runs_our_package_in_this_python_from_anywhere(tmp_path):
    mine = folder(tmp_path)
    with mine.hold():
        script = worker_script(mine)
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    told = subprocess.run([script, "--help"], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True)
    assert "Python worker, started by Flink" in told.stdout


def test_a_few_topics_are_named_and_the_rest_counted():
    assert describe({"a": 1, "b": 2}) == "a (1 partition), b (2 partitions)"
    assert describe(dict.fromkeys("abcde", 1)).endswith("and 2 more topics")
