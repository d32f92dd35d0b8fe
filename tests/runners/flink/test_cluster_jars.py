from pathlib import Path

from runners.flink.cluster_jars import THEIRS, copy_to
from runners.java.jars import locked


def test_what_flink_has_itself_is_not_given_to_it():
    theirs = [jar.path for jar in locked() if "beam" in jar.groups and jar.path.startswith(THEIRS)]
    ours = [jar.path for jar in locked() if "beam" in jar.groups and not jar.path.startswith(THEIRS)]
    assert any("flink-streaming-java" in path for path in theirs)
    assert any("slf4j-simple" in path for path in theirs)
    assert any("beam-runners-flink-1.19" in path for path in ours)
    assert not any("slf4j" in path or "/org/apache/flink/" in path for path in ours)


def test_jars_are_copied_into_a_new_folder(tmp_path: Path):
    jar = tmp_path / "a.jar"
    jar.write_bytes(b"x")
    copy_to(tmp_path / "flink" / "lib", [jar])
    assert (tmp_path / "flink" / "lib" / "a.jar").read_bytes() == b"x"
