import zipfile
from pathlib import Path

import pytest

from runners.java.jars import JarError, resolve
from runners.java.loopback import CLASS, NAME, loopback_jar, on_loopback


@pytest.fixture(scope="module")
def jars() -> list[Path]:
    return resolve("beam")


def test_a_class_that_is_not_known_is_left_alone_and_refused():
    with pytest.raises(JarError, match="another one than we know"):
        on_loopback(b"\xca\xfe\xba\xbe and what else")


@pytest.mark.integration
def test_beams_class_binds_the_address_in_place_of_the_port_alone(jars, tmp_path):
    with zipfile.ZipFile(loopback_jar(jars, tmp_path, tmp_path)) as archive:
        changed = archive.read(CLASS)
    assert b"forAddress" in changed
    assert b"forPort" not in changed


@pytest.mark.integration
def test_the_jar_is_made_once_and_elsewhere_where_the_folder_takes_none(jars, tmp_path):
    first = loopback_jar(jars, tmp_path, tmp_path)
    made = first.stat().st_mtime_ns
    assert loopback_jar(jars, tmp_path, tmp_path).stat().st_mtime_ns == made
    first.write_bytes(b"half a jar")
    assert zipfile.is_zipfile(loopback_jar(jars, tmp_path, tmp_path))
    assert loopback_jar(jars, tmp_path / "no such folder", tmp_path) == tmp_path / NAME
