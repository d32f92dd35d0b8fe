from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from pipeline.errors import UserError
from runners.flink.rest import Access
from runners.java.key_stores import keystore, truststore
from tests.tracing_aggregator.web.certificates import self_signed


@pytest.fixture
def pems(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate; and the same with its key."""
    cert, key = self_signed(tmp_path)
    both = tmp_path / "both.pem"
    both.write_bytes(key.read_bytes() + cert.read_bytes())
    return cert, both


def test_a_truststore_holds_every_certificate_of_the_file_and_others_cannot_read_it(pems, tmp_path):
    many = tmp_path / "many.pem"
    many.write_bytes(pems[0].read_bytes() * 2)
    store = truststore(many, tmp_path / "new" / "trust.p12", "sesame")
    found = pkcs12.load_pkcs12(store.read_bytes(), b"sesame").additional_certs
    assert [each.certificate.public_bytes(Encoding.PEM) for each in found] == [pems[0].read_bytes()] * 2
    assert store.stat().st_mode & 0o077 == 0


def test_a_keystore_holds_key_and_certificate_in_whatever_order_they_stand(pems, tmp_path):
    found = pkcs12.load_pkcs12(keystore(pems[1], tmp_path / "own.p12", "sesame").read_bytes(), b"sesame")
    assert found.key is not None
    assert found.cert is not None
    assert found.cert.certificate.public_bytes(Encoding.PEM) == pems[0].read_bytes()


@pytest.mark.parametrize("make", [truststore, keystore])
@pytest.mark.parametrize("content", [None, b"", b"no PEM at all"])
def test_a_file_that_holds_none_is_told(make, content, tmp_path):
    file = tmp_path / "a.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.pem holds no certificate"):
        make(file, tmp_path / "store.p12", "sesame")


def test_a_certificate_without_its_key_is_no_keystore(pems, tmp_path):
    with pytest.raises(UserError, match="no certificate with its key"):
        keystore(pems[0], tmp_path / "store.p12", "sesame")


def test_flinks_client_is_told_of_tls_as_far_as_there_is_any(pems, tmp_path):
    assert Access().configuration(tmp_path) == {}
    one_way = Access(tls=True).configuration(tmp_path)
    assert one_way["security.ssl.rest.enabled"] == "true"
    assert "security.ssl.rest.keystore" not in one_way
    both_ways = Access(tls=True, ca_file=str(pems[0]), cert_file=str(pems[1])).configuration(tmp_path)
    assert both_ways["security.ssl.rest.authentication-enabled"] == "true"
    assert Path(both_ways["security.ssl.rest.keystore"]).exists()
