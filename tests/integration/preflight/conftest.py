"""A broker that lets nobody do anything without a grant: SASL_SSL, SCRAM, and Kafka's own authorizer."""

import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from pipeline.config.client_properties import to_librdkafka
from runners.kafka.broker import Broker
from tests.integration.certificates import self_signed

PASSWORDS = {"admin": "sesame-1", "alice": 'sesame"2;'}
LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule required"


class Grant(NamedTuple):
    """What a user may do with what; `resource` is `topic NAME` or `group NAME`."""

    operation: str
    resource: str


class Cluster:
    """The broker, its users and what they may do."""

    def __init__(self, broker: Broker, truststore: Path) -> None:
        self._broker = broker
        self._truststore = truststore
        self.admin = AdminClient({**to_librdkafka(self.properties("admin")), "log_level": 0})

    def properties(self, user: str, password: str | None = None) -> dict[str, str]:
        """Java client properties of a user."""
        escaped = (password or PASSWORDS[user]).replace('"', r"\"")
        return {
            "bootstrap.servers": self._broker.bootstrap_servers,
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.jaas.config": f'{LOGIN} username="{user}" password="{escaped}";',
            "ssl.truststore.location": str(self._truststore),
            "ssl.truststore.password": "sesame",
        }

    def grant(self, user: str, *grants: Grant) -> None:
        """Let a user do something; returns when the broker knows."""
        bindings = [_binding(user, grant) for grant in grants]
        for future in self.admin.create_acls(bindings).values() if bindings else ():
            future.result(30)
        everything = AclBindingFilter(
            ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY
        )
        deadline = time.monotonic() + 30
        while set(bindings) - set(self.admin.describe_acls(everything).result(30)):
            assert time.monotonic() < deadline, "the broker did not take the grants"
            time.sleep(0.05)


def _binding(user: str, grant: Grant) -> AclBinding:
    kind, _, name = grant.resource.partition(" ")
    resource = ResourceType[kind.upper()]
    operation, pattern = AclOperation[grant.operation], ResourcePatternType.LITERAL
    return AclBinding(resource, name, pattern, f"User:{user}", "*", operation, AclPermissionType.ALLOW)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One broker for all tests here; each test has topics and groups of its own."""
    folder = tmp_path_factory.mktemp("secured-broker")
    keystore, truststore = self_signed(folder, "broker", "sesame")
    properties = {
        "listener.security.protocol.map": "CLIENT:SASL_SSL,CONTROLLER:PLAINTEXT",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
        "listener.name.client.scram-sha-512.sasl.jaas.config": (
            f'{LOGIN} username="admin" password="{PASSWORDS["admin"]}";'
        ),
        "ssl.keystore.location": str(keystore),
        "ssl.keystore.password": "sesame",
        "ssl.keystore.type": "PKCS12",
        "ssl.truststore.location": str(truststore),
        "ssl.truststore.password": "sesame",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        # The controller's own listener, on loopback, knows nobody by name.
        "super.users": "User:admin;User:ANONYMOUS",
        "auto.create.topics.enable": "false",
    }
    with Broker(folder / "data", properties=properties, scram=PASSWORDS) as broker:
        yield Cluster(broker, truststore)


@pytest.fixture
def name() -> str:
    """A word that is in no other test's topics and groups."""
    return f"t{next(_numbers)}"


_numbers = count()


@pytest.fixture
def config_file(cluster: Cluster, name: str, tmp_path: Path) -> Callable[..., str]:
    """Write the configuration of a user, with topics and a group of this test alone."""

    def write(user: str, password: str | None = None, **settings: str) -> str:
        own = {
            "application.id": f"{name}-group",
            "tracing.topic": f"{name}-tracing",
            "aggregated.topic": f"{name}-aggregated",
            "anomaly.topic": f"{name}-anomaly",
            "dead.letter.topic": f"{name}-dead",
            "stats.topic": f"{name}-stats",
            "pathway.topic": f"{name}-pathway",
            # Other tests have topics too.
            "topics.include": f"{name}-.*",
            **{setting.replace("_", "."): value for setting, value in settings.items()},
        }
        properties = {**cluster.properties(user, password), **own}
        file = tmp_path / f"{user}.properties"
        lines = [f"{key}={value}\n".replace("\\", "\\\\") for key, value in properties.items()]
        file.write_text("".join(lines), encoding="iso-8859-1")
        return str(file)

    return write
