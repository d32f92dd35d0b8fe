"""For tests: a broker that lets nobody in without a password or a certificate, and the ways in."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runners.kafka.broker import Broker
from runners.ports import free_ports
from tests.integration.certificates import self_signed

#: Each secret has a word of its own that is nowhere else, so that it can be looked for.
SCRAM_PASSWORD = 'canary-scram"7;'
PLAIN_PASSWORD = "canary-plain-8"
STORE_PASSWORD = "canary-store-9"
_PACKAGE = "org.apache.kafka.common.security"


def login(mechanism: str, user: str, password: str) -> str:
    module = "scram.ScramLoginModule" if mechanism.startswith("SCRAM") else "plain.PlainLoginModule"
    escaped = password.replace('"', r"\"")
    return f'{_PACKAGE}.{module} required username="{user}" password="{escaped}";'


class Secured:
    """The broker, and the Java client properties of each way in: `scram`, `plain`, `mtls`."""

    def __init__(self, folder: Path) -> None:
        port, self.mtls_port = free_ports(2)
        broker, self.client = (self_signed(folder, name, STORE_PASSWORD) for name in ("broker", "client"))
        trusted = {
            "ssl.truststore.location": str(broker.truststore),
            "ssl.truststore.password": STORE_PASSWORD,
        }
        sasl = {"bootstrap.servers": f"127.0.0.1:{port}", "security.protocol": "SASL_SSL", **trusted}
        self.scram = {
            **sasl,
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.jaas.config": login("SCRAM", "alice", SCRAM_PASSWORD),
        }
        self.plain = {**sasl, "sasl.mechanism": "PLAIN", "sasl.jaas.config": login("PLAIN", "bob", PLAIN_PASSWORD)}
        self.mtls = {
            "bootstrap.servers": f"127.0.0.1:{self.mtls_port}",
            "security.protocol": "SSL",
            "ssl.keystore.location": str(self.client.keystore),
            "ssl.keystore.password": STORE_PASSWORD,
            "ssl.key.password": STORE_PASSWORD,
            **trusted,
        }
        mutual = "listener.name.mtls.ssl"
        listener = "listener.name.client"
        users = f'user_bob="{PLAIN_PASSWORD}" user_broker="{PLAIN_PASSWORD}";'
        plain = f"{login('PLAIN', 'broker', PLAIN_PASSWORD)[:-1]} {users}"
        self.broker = Broker(
            folder / "broker",
            port,
            listeners={"MTLS": self.mtls_port},
            scram={"alice": SCRAM_PASSWORD},
            properties={
                "listener.security.protocol.map": "CLIENT:SASL_SSL,MTLS:SSL,CONTROLLER:PLAINTEXT",
                "sasl.mechanism.inter.broker.protocol": "PLAIN",
                "sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
                f"{listener}.scram-sha-512.sasl.jaas.config": f"{_PACKAGE}.scram.ScramLoginModule required;",
                f"{listener}.plain.sasl.jaas.config": plain,
                "ssl.keystore.location": str(broker.keystore),
                "ssl.keystore.password": STORE_PASSWORD,
                "ssl.key.password": STORE_PASSWORD,
                **trusted,
                f"{mutual}.client.auth": "required",
                f"{mutual}.truststore.location": str(self.client.truststore),
                f"{mutual}.truststore.password": STORE_PASSWORD,
            },
        )

    def way(self, name: str) -> dict[str, str]:
        """The client properties of one way in."""
        return {"scram": self.scram, "plain": self.plain, "mtls": self.mtls}[name]


@contextmanager
def secured_broker(folder: Path) -> Iterator[Secured]:
    """It runs for the length of the block."""
    secured = Secured(folder)
    with secured.broker:
        yield secured
