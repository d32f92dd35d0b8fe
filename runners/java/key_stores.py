"""PEM files as the stores that Java's TLS takes."""

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key, pkcs12

from pipeline.errors import UserError


def truststore(pem: Path, target: Path, password: str) -> Path:
    """The certificates in a PEM file, as those whom Java trusts; `UserError` if it holds none."""
    try:
        trusted = x509.load_pem_x509_certificates(pem.read_bytes())
    except (OSError, ValueError) as error:
        raise UserError(f"{pem} holds no certificates that can be read: {error}.", "Name a PEM file.") from error
    named = [pkcs12.PKCS12Certificate(each, str(number).encode()) for number, each in enumerate(trusted)]
    return _written(target, pkcs12.serialize_java_truststore(named, BestAvailableEncryption(password.encode())))


def keystore(pem: Path, target: Path, password: str) -> Path:
    """The key in a PEM file and its certificates, the key's own first; `UserError` if it does not hold both."""
    try:
        content = pem.read_bytes()
        own, *chain = x509.load_pem_x509_certificates(content)
        key = load_pem_private_key(content, None)
        whole = pkcs12.serialize_key_and_certificates(
            b"own",
            key,  # type: ignore[arg-type] # a key of another kind is refused
            own,
            chain,
            BestAvailableEncryption(password.encode()),
        )
    except (OSError, ValueError, TypeError) as error:
        raise UserError(
            f"{pem} holds no certificate with its key that can be read: {error}.",
            "Name a PEM file with both, the key without a password.",
        ) from error
    return _written(target, whole)


def _written(target: Path, content: bytes) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.touch(mode=0o600)
    target.write_bytes(content)
    return target
