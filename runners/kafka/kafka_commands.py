"""Commands of Kafka's own tools to type, made for one cluster."""

from runners.kafka.admin import Admin


class KafkaCommands:
    """Writes command lines for `bootstrap.servers` of one cluster."""

    def __init__(self, servers: str, admin: Admin) -> None:
        secured = " --command-config admin.properties" if admin.is_secured else ""
        self._cluster = f"--bootstrap-server {servers}{secured}"
        self._principal = f"User:{admin.user or 'NAME'}"

    def grant(self, operations: list[str], resource: str) -> str:
        """Let our user do something.

        Args:
            operations: names of ACL operations, `READ` for instance.
            resource: `topic NAME`, `group NAME` or `cluster`.
        """
        permissions = " ".join(f"--operation {operation}" for operation in operations)
        return f"kafka-acls.sh {self._cluster} --add --allow-principal {self._principal} {permissions} --{resource}"

    def alter_topic(self, topic: str, name: str, value: str) -> str:
        """Change one setting of a topic."""
        quoted = f"[{value}]" if "," in value else value
        return (
            f"kafka-configs.sh {self._cluster} --alter --entity-type topics --entity-name {topic} "
            f"--add-config {name}={quoted}"
        )

    def add_partitions(self, topic: str, partitions: int) -> str:
        """Raise the number of partitions of a topic."""
        return f"kafka-topics.sh {self._cluster} --alter --topic {topic} --partitions {partitions}"
