"""Saved advisories are held against what the image installs."""

import json

import pytest

from tools.audit import Finding, findings, main, read, shipped

OURS = [("PyPI", "some-package", "2.3.1"), ("Maven", "org.x:y", "1.19.0")]


def advisory(name: str = "some-package", ecosystem: str = "PyPI", **affected: object) -> dict:
    return {
        "id": "X-1",
        "summary": "bad",
        "affected": [{"package": {"ecosystem": ecosystem, "name": name}} | affected],
    }


def between(*events: tuple[str, str]) -> list[dict]:
    return [{"type": "ECOSYSTEM", "events": [{kind: at} for kind, at in events]}]


@pytest.mark.parametrize(
    ("affected", "concerns"),
    [
        ({"versions": ["2.3.0", "2.3.1"]}, True),
        ({"versions": ["2.3.0"]}, False),
        ({"ranges": between(("introduced", "0"), ("fixed", "2.3.1"))}, False),
        ({"ranges": between(("introduced", "0"), ("fixed", "2.3.2"))}, True),
        ({"ranges": between(("introduced", "2.4"))}, False),
        ({"ranges": between(("introduced", "0"), ("last_affected", "2.3.1"))}, True),
        ({"ranges": between(("introduced", "0"), ("fixed", "1.0"), ("introduced", "2.0"), ("fixed", "2.9"))}, True),
        ({"ranges": between(("introduced", "what is this"))}, True),
        ({"name": "other", "versions": ["2.3.1"]}, False),
        ({"name": "org.x:y", "ecosystem": "Maven", "versions": ["1.19.0"]}, True),
        ({"name": "Some_Package", "versions": ["2.3.1"]}, True),
    ],
)
def test_an_advisory_concerns_the_versions_that_it_names(affected, concerns):
    assert bool(list(findings([advisory(**affected)], OURS))) == concerns


def test_a_finding_names_the_package_and_one_that_was_withdrawn_is_none():
    found = advisory(versions=["2.3.1"])
    assert list(findings([found], OURS)) == [Finding("X-1", "some-package", "2.3.1", "bad")]
    assert list(findings([found | {"withdrawn": "2026-01-01T00:00:00Z"}], OURS)) == []


def test_files_hold_one_a_list_or_lines(tmp_path):
    one = advisory(versions=["1"])
    for text in (json.dumps(one), json.dumps([one]), json.dumps(one) + "\n" + json.dumps(one) + "\n"):
        file = tmp_path / "advisories"
        file.write_text(text)
        assert {found["id"] for found in read(file)} == {"X-1"}


def test_it_fails_where_something_that_we_ship_is_concerned(tmp_path, capsys):
    version = {name: version for _, name, version in shipped()}["requests"]
    file = tmp_path / "advisories.json"
    file.write_text(json.dumps([advisory("requests", versions=[version])]))
    assert main([str(file)]) == 1
    assert capsys.readouterr().out == f"requests {version}: X-1 bad\n"
    file.write_text("[]")
    assert main([str(file)]) == 0
