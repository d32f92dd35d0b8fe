"""Writes THIRD-PARTY.md: what the image and the wheels ship of others, each with its licence.

`python -m tools.licences` in the development environment. Python packages say their licence themselves; of the jars, by
their group at Maven, the table below says it.
"""

import re
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from runners.java.jars import Jar, locked

ROOT = Path(__file__).parents[1]
LIST = ROOT / "THIRD-PARTY.md"
#: Ways to write the same licence, the longest first.
_KNOWN = {
    "Apache Software License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache2": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "BSD 3-Clause": "BSD-3-Clause",
    "MIT License": "MIT",
    "The MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "ISC License (ISCL)": "ISC",
    "Python Software Foundation License": "PSF-2.0",
}
#: Not in the development environment, or silent about themselves.
_PACKAGES = {
    "dumb-init": "MIT",
    "numpy": "BSD-3-Clause",
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",
}
_APACHE = "Apache-2.0"
#: The longest prefix of `group:artifact` counts.
_JARS = {
    "args4j": "MIT",
    "com.esotericsoftware": "BSD-3-Clause",
    "com.fasterxml.jackson": _APACHE,
    "com.github.jbellis": _APACHE,
    "com.github.luben": "BSD-2-Clause",
    "com.google": _APACHE,
    "com.google.auth": "BSD-3-Clause",
    "com.google.protobuf": "BSD-3-Clause",
    "com.twitter": _APACHE,
    "com.ververica": _APACHE,
    "commons-": _APACHE,
    "io.github.classgraph": "MIT",
    "io.opentelemetry": _APACHE,
    "joda-time": _APACHE,
    "net.bytebuddy": _APACHE,
    "org.apache": _APACHE,
    "org.checkerframework:checker-qual": "MIT",
    "org.javassist": "MPL-1.1 OR LGPL-2.1-or-later OR Apache-2.0",
    "org.lz4": _APACHE,
    "org.objenesis": _APACHE,
    "org.slf4j": "MIT",
    "org.snakeyaml": _APACHE,
    "org.xerial.snappy": _APACHE,
    "org.yaml": _APACHE,
}
_HEAD = """# What we ship of others

Written by `python -m tools.licences`. Licences are named as SPDX does. The wheels of this project hold uPlot alone; the
rest is in the container image, which installs the Python packages of `requirements.lock` and the jars of
`runners/java/jars.lock`.

| what | where | licence |
|---|---|---|
| uPlot 1.6, by Leon Sorokin | `tracing_aggregator/dashboard/static/vendor`, with its licence | MIT |
| OpenJDK 17, from Debian | the image; `/usr/share/doc/openjdk-*` in it | GPL-2.0 WITH Classpath-exception-2.0 |
| Python 3.11 and Debian 12 | the base of the image; `/usr/share/doc/*/copyright` in it | PSF-2.0, and those of Debian |
| Apache Flink 1.19 | the image `tracing-aggregator-flink` | Apache-2.0 |
"""


def licence_of_package(name: str) -> str:
    """What a Python package says of itself, as SPDX names it; empty if it says nothing."""
    if name in _PACKAGES:
        return _PACKAGES[name]
    try:
        said = metadata(name)
    except PackageNotFoundError:
        return ""
    kinds = [
        one.rpartition(" :: ")[2]
        for one in said.get_all("Classifier") or ()
        if one.startswith("License :: OSI Approved ::")
    ]
    licence = str(said.get("License") or "").partition("\n")[0].strip()
    given = str(said.get("License-Expression") or (licence if 0 < len(licence) < 60 else "") or " AND ".join(kinds))  # noqa: PLR2004
    return _KNOWN.get(given, given)


def licence_of_jar(jar: Jar) -> str:
    """Of a jar; KeyError where the table does not know it."""
    *group, artifact, _, _ = jar.path.split("/")
    name = f"{'.'.join(group)}:{artifact}"
    return _JARS[max((prefix for prefix in _JARS if name.startswith(prefix)), key=len, default=name)]


def packages() -> list[tuple[str, str]]:
    """Name and version of what the image installs."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    return re.findall(r"^([\w.-]+)==(\S+?)(?:;| )", lock, re.MULTILINE)


def text() -> str:
    """The whole document."""
    python = "".join(f"| {name} {version} | {licence_of_package(name)} |\n" for name, version in packages())
    shipped = [jar for jar in locked() if jar.groups & {"beam", "s3"}]
    java = "".join(f"| {Path(jar.path).name.removesuffix('.jar')} | {licence_of_jar(jar)} |\n" for jar in shipped)
    grid = "|---|---|\n"
    of_python = f"\n## Python packages\n\n| package | licence |\n{grid}{python}"
    return f"{_HEAD}{of_python}\n## Jars\n\n| jar | licence |\n{grid}{java}"


if __name__ == "__main__":
    LIST.write_text(text(), encoding="utf-8")
    sys.exit(0)
