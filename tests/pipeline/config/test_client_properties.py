import pytest
from confluent_kafka import Consumer, KafkaException

from pipeline.config import client_properties, jaas, java_clients
from pipeline.config.client_properties import to_librdkafka
from pipeline.errors import UserError

QUIET = {"log_level": 0, "group.id": "g"}


@pytest.mark.parametrize(
    ("java", "expected"),
    [
        ({"bootstrap.servers": "a:1"}, {"bootstrap.servers": "a:1"}),
        ({"auto.offset.reset": "none"}, {"auto.offset.reset": "error"}),
        ({"auto.offset.reset": "latest"}, {"auto.offset.reset": "latest"}),
        ({"ssl.endpoint.identification.algorithm": ""}, {"ssl.endpoint.identification.algorithm": "none"}),
        ({"ssl.endpoint.identification.algorithm": "HTTPS"}, {"ssl.endpoint.identification.algorithm": "https"}),
        ({"fetch.max.wait.ms": "100"}, {"fetch.wait.max.ms": "100"}),
        ({"max.request.size": "5"}, {"message.max.bytes": "5"}),
        ({"buffer.memory": "33554432"}, {"queue.buffering.max.kbytes": "32768"}),
        ({"buffer.memory": "1"}, {"queue.buffering.max.kbytes": "1"}),
        ({"send.buffer.bytes": "-1"}, {"socket.send.buffer.bytes": "0"}),
        ({"receive.buffer.bytes": "65536"}, {"socket.receive.buffer.bytes": "65536"}),
        ({"request.timeout.ms": "600000"}, {"socket.timeout.ms": "300000"}),
        ({"ssl.truststore.certificates": "PEM"}, {"ssl.ca.pem": "PEM"}),
        (
            {"ssl.keystore.key": "K", "ssl.keystore.certificate.chain": "C", "ssl.key.password": "P"},
            {"ssl.key.pem": "K", "ssl.certificate.pem": "C", "ssl.key.password": "P"},
        ),
        (
            {"sasl.mechanism": "OAUTHBEARER", "sasl.oauthbearer.token.endpoint.url": "https://x"},
            {
                "sasl.mechanism": "OAUTHBEARER",
                "sasl.oauthbearer.token.endpoint.url": "https://x",
                "sasl.oauthbearer.method": "oidc",
            },
        ),
    ],
)
def test_a_java_property_gets_the_name_and_value_that_librdkafka_knows(java, expected):
    assert to_librdkafka(java) == expected


@pytest.mark.parametrize(
    "name",
    ["key.deserializer", "interceptor.classes", "max.poll.records", "metric.reporters", "ianitrix.interceptor.foo"],
)
def test_what_only_java_has_is_dropped(name):
    assert to_librdkafka({name: "x"}) == {}


def test_a_whole_secured_configuration_makes_a_client():
    login = 'org.apache.kafka.common.security.scram.ScramLoginModule required username="a" password="b";'
    java = {
        "bootstrap.servers": "localhost:1",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.jaas.config": login,
        "auto.offset.reset": "earliest",
        "max.poll.records": "100",
    }
    Consumer({**to_librdkafka(java), **QUIET}).close()
    assert to_librdkafka(java)["sasl.password"] == "b"


@pytest.mark.parametrize("java", [{"buffer.memory": "much"}, {"request.timeout.ms": "long"}])
def test_a_number_that_is_none_is_refused(java):
    with pytest.raises(UserError, match="must be a whole number"):
        to_librdkafka(java)


def test_a_start_that_only_java_can_find_is_refused():
    with pytest.raises(UserError, match="only Java's consumer"):
        to_librdkafka({"auto.offset.reset": "by_duration:PT1H"})


def test_every_name_in_the_tables_is_one_that_java_knows():
    names = client_properties._SAME | client_properties._RENAMED.keys() | client_properties._CONVERTED.keys()
    assert names - java_clients.ALL == set()


def test_every_name_that_comes_out_is_one_that_librdkafka_knows():
    theirs = {
        *client_properties._SAME,
        *client_properties._RENAMED.values(),
        *(name for name, _ in client_properties._CONVERTED.values()),
        *(name for module in jaas._MODULES.values() for name in module.values()),
        "enable.sasl.oauthbearer.unsecure.jwt",
        "sasl.oauthbearer.config",
        "sasl.oauthbearer.method",
        "ssl.ca.location",
        "ssl.certificate.location",
        "ssl.key.location",
        "ssl.key.password",
        "ssl.keystore.location",
        "ssl.keystore.password",
    }
    assert {name for name in theirs if not is_known(name)} == set()


def is_known(name: str) -> bool:
    """Whether librdkafka knows a property: an unknown one is refused by name, whatever its value."""
    try:
        Consumer({**QUIET, name: "?"}).close()
    except KafkaException as error:
        return "No such configuration property" not in str(error)
    return True
