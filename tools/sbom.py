"""Writes a bill of materials (CycloneDX 1.6, JSON) to stdout: the Python packages of this environment, the locked jars.

`python -m tools.sbom >sbom.json`
"""

import json
import subprocess
import sys
from collections.abc import Iterable

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from runners.java.jars import Jar, locked


def bill(python_packages: str, jars: Iterable[Jar]) -> str:
    """The bill of materials, from that of the Python packages alone and the jars."""
    bom: Bom = Bom.from_json(json.loads(python_packages))  # type: ignore[attr-defined]  # a decorator makes it
    bom.components.update(map(component, jars))
    return str(JsonV1Dot6(bom).output_as_string(indent=2))


def component(jar: Jar) -> Component:
    """A jar, as the artifact of Maven that it is, with its SHA-256."""
    *group, artifact, version, file = jar.path.split("/")
    classifier = file.removeprefix(f"{artifact}-{version}").removesuffix(".jar").lstrip("-")
    qualifiers = {"classifier": classifier} if classifier else {}
    purl = PackageURL("maven", ".".join(group), artifact, version, qualifiers)
    return Component(
        type=ComponentType.LIBRARY,
        group=".".join(group),
        name=artifact,
        version=version,
        bom_ref=str(purl),
        purl=purl,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=jar.sha256)],
    )


def installed() -> str:
    """What cyclonedx-py says of this environment. Not held against the schema, which takes longer than all the rest."""
    program = [sys.executable, "-m", "cyclonedx_py", "environment", "--sv", "1.6", "--of", "JSON", "--no-validate"]
    return subprocess.run([*program, sys.executable], check=True, stdout=subprocess.PIPE, text=True, timeout=300).stdout


if __name__ == "__main__":
    sys.stdout.write(bill(installed(), locked()) + "\n")
