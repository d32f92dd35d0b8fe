"""What we ship has a licence that we know and may ship, and the list of it is as it would be written now."""

import re

import pytest

pytest.importorskip("opentelemetry.proto", reason="the list is of all that the image installs: make venv")

from tools import licences
from tools.lock_packages import Locked, asked_for, text_of

ALLOWED = {
    *("Apache-2.0", "MIT", "MIT-0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "PSF-2.0", "0BSD", "Zlib", "MPL-2.0"),
    *("MPL-1.1", "LGPL-2.1-or-later", "CC0-1.0", "Unlicense"),
}
LOCK = (licences.ROOT / "requirements.lock").read_text(encoding="utf-8")


def test_every_licence_is_one_that_we_may_ship():
    named = [licences.licence_of_package(name) for name, _ in licences.packages()]
    named += [licences.licence_of_jar(jar) for jar in licences.locked() if "beam" in jar.groups]
    assert len(named) > 100
    for licence in named:
        parts = set(re.split(r" AND | OR |[()]", licence)) - {""}
        assert parts, "a licence is missing"
        assert parts <= ALLOWED, licence


def test_the_list_is_up_to_date():
    assert licences.LIST.read_text(encoding="utf-8") == licences.text()


def test_the_lock_has_all_that_is_asked_for_each_with_hashes_and_no_address():
    names = {name for name, _ in licences.packages()}
    setup = (licences.ROOT / "setup.py").read_text(encoding="utf-8")
    wanted = {re.split(r"[\[<>=;~! ]", one)[0] for one in asked_for(setup)}
    assert {name.replace("_", "-").lower() for name in wanted} <= names
    entries = re.findall(r"^[\w.-]+==\S+[^\n]*\\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", LOCK, re.MULTILINE)
    assert len(entries) == len(names)
    assert "://" not in LOCK


def test_what_one_platform_alone_needs_is_marked():
    locked: Locked = {("a", "1"): {"x86_64": "1", "aarch64": "2"}, ("b", "2"): {"x86_64": "3"}}
    assert text_of(locked, ("x86_64", "aarch64")).endswith(
        "a==1 \\\n    --hash=sha256:1 \\\n    --hash=sha256:2\n"
        'b==2; platform_machine == "x86_64" \\\n    --hash=sha256:3\n'
    )


def test_the_versions_in_the_lock_are_those_that_the_suite_runs_with():
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)$", (licences.ROOT / "constraints.txt").read_text(), re.MULTILINE))
    pinned = {name.lower().replace("_", "-"): version for name, version in pinned.items()}
    for name, version in licences.packages():
        assert pinned.get(name, version) == version, name
