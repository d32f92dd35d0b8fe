"""Looks up what the image installs in saved advisories, without a network.

`python -m tools.audit FILE…`: each file holds advisories in the OSV format (https://ossf.github.io/osv-schema), one
JSON object or a list of them, or a line for each. Ends with 1 if any is about a version that we ship.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from packaging.version import InvalidVersion, Version

from runners.java.jars import locked
from tools.licences import packages

Advisory = Mapping[str, Any]
#: Ecosystem and name as OSV has them, and our version.
Shipped = tuple[str, str, str]


class Finding(NamedTuple):
    """An advisory about something that we ship."""

    advisory: str
    name: str
    version: str
    summary: str


def shipped() -> list[Shipped]:
    """All packages and jars of the image."""
    jars = [jar.path.split("/") for jar in locked() if "beam" in jar.groups]
    java = [("Maven", f"{'.'.join(group)}:{artifact}", version) for *group, artifact, version, _ in jars]
    return [*(("PyPI", name, version) for name, version in packages()), *java]


def findings(advisories: Iterable[Advisory], ours: Iterable[Shipped]) -> Iterator[Finding]:
    """What concerns us; advisories that were withdrawn do not."""
    versions = {(ecosystem, name): version for ecosystem, name, version in ours}
    for advisory in advisories:
        if advisory.get("withdrawn"):
            continue
        for affected in advisory.get("affected", ()):
            package = affected.get("package", {})
            ecosystem, name = package.get("ecosystem", ""), package.get("name", "")
            version = versions.get((ecosystem, name.lower().replace("_", "-") if ecosystem == "PyPI" else name))
            if version is not None and _is_affected(version, affected):
                yield Finding(advisory["id"], name, version, advisory.get("summary", ""))


def _is_affected(version: str, affected: Mapping[str, Any]) -> bool:
    if version in affected.get("versions", ()):
        return True
    ranges = [one for one in affected.get("ranges", ()) if one.get("type") in {"ECOSYSTEM", "SEMVER"}]
    return any(_is_within(version, one.get("events", ())) for one in ranges)


def _is_within(version: str, events: Iterable[Mapping[str, str]]) -> bool:
    """Events are in order: it is affected after the last `introduced`, until one that ends that."""
    within = False
    for event in events:
        [(kind, at)] = event.items()
        try:
            reached = at == "0" or Version(version) >= Version(at)
            beyond = at != "0" and Version(version) > Version(at)
        except InvalidVersion:
            return True  # nobody can compare them: a person has to look
        if kind == "introduced" and reached:
            within = True
        elif (kind == "fixed" and reached) or (kind == "last_affected" and beyond):
            within = False
    return within


def read(file: Path) -> list[Advisory]:
    """The advisories in a file."""
    text = file.read_text(encoding="utf-8")
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        found = [json.loads(line) for line in text.splitlines() if line.strip()]
    return found if isinstance(found, list) else [found]


def main(files: list[str]) -> int:
    """Tell of each finding on stdout."""
    advisories = [advisory for file in files for advisory in read(Path(file))]
    found = sorted(findings(advisories, shipped()))
    for one in found:
        sys.stdout.write(f"{one.name} {one.version}: {one.advisory} {one.summary}\n")
    sys.stderr.write(f"{len(advisories)} advisories, {len(found)} about what we ship.\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
