import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12

from pipeline.config.tls_stores import keystore_properties, truststore_properties
from pipeline.errors import UserError


def certificate(name: str) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    return builder.not_valid_before(now).not_valid_after(now + dt.timedelta(days=1)).sign(key, hashes.SHA256())


@pytest.fixture(scope="module")
def certificates():
    return [certificate("one"), certificate("two")]


@pytest.fixture
def pem(tmp_path, certificates):
    file = tmp_path / "trust.pem"
    file.write_bytes(b"# a comment\n" + b"".join(each.public_bytes(Encoding.PEM) for each in certificates))
    return file


@pytest.fixture
def p12(tmp_path, certificates):
    file = tmp_path / "trust.jks"  # its name says nothing: Java looks inside, and so do we
    encryption = BestAvailableEncryption(b"sesame")
    file.write_bytes(pkcs12.serialize_key_and_certificates(None, None, None, certificates, encryption))
    return file


def test_without_a_store_there_is_nothing_to_translate():
    assert truststore_properties({}) == {}
    assert keystore_properties({}) == {}


def test_a_pem_truststore_is_named(pem):
    assert truststore_properties({"ssl.truststore.location": str(pem)}) == {"ssl.ca.location": str(pem)}


def test_every_certificate_of_a_pkcs12_truststore_is_trusted(p12, certificates):
    java = {"ssl.truststore.location": str(p12), "ssl.truststore.password": "sesame", "ssl.truststore.type": "PKCS12"}
    trusted = x509.load_pem_x509_certificates(truststore_properties(java)["ssl.ca.pem"].encode())
    assert trusted == certificates


def test_a_wrong_password_is_told_without_showing_it(p12):
    with pytest.raises(UserError, match="cannot be opened") as caught:
        truststore_properties({"ssl.truststore.location": str(p12), "ssl.truststore.password": "guess"})
    assert "guess" not in str(caught.value)


@pytest.mark.parametrize("magic", [b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce"])
@pytest.mark.parametrize(
    ("translate", "name"), [(truststore_properties, "ssl.truststore"), (keystore_properties, "ssl.keystore")]
)
def test_a_store_that_only_java_can_read_is_refused_with_the_command_to_convert_it(tmp_path, magic, translate, name):
    file = tmp_path / "store.jks"
    file.write_bytes(magic + b"rest")
    with pytest.raises(UserError, match=f"keytool -importkeystore -srckeystore {file} -destkeystore .*store.p12"):
        translate({f"{name}.location": str(file)})


@pytest.mark.parametrize("content", [b"", b"hello"])
def test_a_file_that_is_no_store_is_refused(tmp_path, content):
    file = tmp_path / "store"
    file.write_bytes(content)
    with pytest.raises(UserError, match="neither a PKCS12 nor a PEM file"):
        truststore_properties({"ssl.truststore.location": str(file)})


def test_a_store_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        keystore_properties({"ssl.keystore.location": str(tmp_path / "none.p12")})


def test_a_pkcs12_keystore_is_named_with_its_password(p12):
    java = {"ssl.keystore.location": str(p12), "ssl.keystore.password": "sesame", "ssl.key.password": "sesame"}
    assert keystore_properties(java) == {"ssl.keystore.location": str(p12), "ssl.keystore.password": "sesame"}


def test_a_pem_keystore_holds_key_and_certificates_in_one_file(pem):
    assert keystore_properties({"ssl.keystore.location": str(pem), "ssl.key.password": "sesame"}) == {
        "ssl.key.location": str(pem),
        "ssl.certificate.location": str(pem),
        "ssl.key.password": "sesame",
    }
