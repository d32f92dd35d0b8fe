"""Java's truststores and keystores for librdkafka, which reads PEM, and PKCS12 for the keystore alone."""

from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from pipeline.errors import UserError


class StoreFormat(Enum):
    """What a store file holds; told by its first bytes, as Java does in spite of the type given."""

    PEM = b"-----BEGIN"
    JKS = b"\xfe\xed\xfe\xed"
    JCEKS = b"\xce\xce\xce\xce"
    PKCS12 = b"\x30"


def truststore_properties(java: Mapping[str, str]) -> dict[str, str]:
    """Librdkafka's properties for `ssl.truststore.*`: PEM by its path, PKCS12 as the certificates in it.

    Raises:
        UserError: the store cannot be read, or is a JKS.
    """
    location = java.get("ssl.truststore.location")
    if not location:
        return {}
    if _format("ssl.truststore", location) is StoreFormat.PEM:
        return {"ssl.ca.location": location}
    return {"ssl.ca.pem": _certificates(Path(location), java.get("ssl.truststore.password"))}


def keystore_properties(java: Mapping[str, str]) -> dict[str, str]:
    """Librdkafka's properties for `ssl.keystore.*` and `ssl.key.password`.

    Raises:
        UserError: the store cannot be read, or is a JKS.
    """
    location, key_password = java.get("ssl.keystore.location"), java.get("ssl.key.password")
    properties: dict[str, str] = {}
    if location and _format("ssl.keystore", location) is StoreFormat.PEM:
        # Java keeps key and certificate chain in one PEM file.
        properties = {"ssl.key.location": location, "ssl.certificate.location": location}
    elif location:
        return {"ssl.keystore.location": location, "ssl.keystore.password": java.get("ssl.keystore.password", "")}
    if key_password:
        properties["ssl.key.password"] = key_password
    return properties


def _format(prefix: str, location: str) -> StoreFormat:
    try:
        with Path(location).open("rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise UserError(f"{prefix}.location={location}: {error.strerror}.", "Name a readable file.") from error
    if StoreFormat.PEM.value in start:
        return StoreFormat.PEM
    found = next((known for known in StoreFormat if start.startswith(known.value)), None)
    if found is StoreFormat.PKCS12:
        return found
    if found is None:
        raise UserError(f"{prefix}.location={location} is neither a PKCS12 nor a PEM file.", "Name one of these.")
    converted = Path(location).with_suffix(".p12")
    raise UserError(
        f"{prefix}.location={location} is a {found.name} store, which only Java can read.",
        f"Convert it, then name the new file: keytool -importkeystore -srckeystore {location} "
        f"-destkeystore {converted} -deststoretype PKCS12",
    )


def _certificates(file: Path, password: str | None) -> str:
    """The certificates of a PKCS12 truststore as PEM."""
    try:
        store = pkcs12.load_pkcs12(file.read_bytes(), password.encode() if password else None)
    except ValueError as error:
        raise UserError(
            f"ssl.truststore.location={file} cannot be opened: {error}.", "Check ssl.truststore.password."
        ) from error
    certificates = [entry.certificate for entry in (store.cert, *store.additional_certs) if entry]
    if not certificates:
        raise UserError(
            f"ssl.truststore.location={file} holds no certificate.",
            f"See what is in it: keytool -list -keystore {file}",
        )
    return "".join(certificate.public_bytes(Encoding.PEM).decode() for certificate in certificates)
