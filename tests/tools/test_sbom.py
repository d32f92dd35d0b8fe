"""The bill of materials names every locked jar with its hash, beside the Python packages, and is valid CycloneDX."""

import json

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from runners.java.jars import Jar, locked
from tools.sbom import bill, component

PACKAGES = json.dumps(
    {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "components": [{"type": "library", "name": "orjson", "version": "3.13.0", "purl": "pkg:pypi/orjson@3.13.0"}],
    }
)


def test_every_locked_jar_is_in_it_with_its_hash():
    jars = locked()
    document = json.loads(bill(PACKAGES, jars))
    hashes = {one["hashes"][0]["content"] for one in document["components"] if one["purl"].startswith("pkg:maven/")}
    assert hashes == {jar.sha256 for jar in jars}
    assert [one["name"] for one in document["components"] if one["purl"].startswith("pkg:pypi/")] == ["orjson"]


def test_it_is_valid():
    text = bill(PACKAGES, locked()[:3])
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_a_jar_is_called_as_in_maven():
    jar = Jar(frozenset({"beam"}), "org/apache/x/y-z/1.0-rc1/y-z-1.0-rc1-linux.jar", "00" * 32)
    assert str(component(jar).purl) == "pkg:maven/org.apache.x/y-z@1.0-rc1?classifier=linux"
