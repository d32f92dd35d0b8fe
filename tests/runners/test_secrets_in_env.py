"""What a job is made of holds no secret, only references to the environment of the JVMs that we start."""

import pytest

from pipeline.config.load import Config
from pipeline.config.references import looked_up
from runners.secrets_in_env import by_variable, clear_secrets, sealed

LOGIN = 'PlainLoginModule required username="a" password="sesame";'
GIVEN = {
    "sasl.jaas.config": LOGIN,
    "consumer.ssl.key.password": "sesame-2",
    "ssl.keystore.password": "${file:/etc/kafka:password}",
    "producer.sasl.jaas.config": 'PlainLoginModule required password="${env:WORD}";',
    "ssl.truststore.password": "",
    "security.protocol": "SASL_SSL",
}


def test_secrets_move_to_the_environment_and_come_back_when_looked_up():
    environ: dict[str, str] = {}
    job = sealed(Config(kafka=GIVEN), environ)
    assert "sesame" not in str(dict(job.kafka))
    assert set(environ.values()) == {LOGIN, "sesame-2"}
    moved = {name: job.kafka[name] for name in ("sasl.jaas.config", "consumer.ssl.key.password")}
    assert looked_up(moved, environ) == {name: GIVEN[name] for name in moved}


@pytest.mark.parametrize("name", ["ssl.keystore.password", "producer.sasl.jaas.config", "security.protocol"])
def test_references_and_what_is_no_secret_stay(name):
    assert sealed(Config(kafka=GIVEN), {}).kafka[name] == GIVEN[name]


def test_only_what_was_given_in_clear_is_clear():
    assert clear_secrets(Config(kafka=GIVEN)) == ["sasl.jaas.config", "consumer.ssl.key.password"]
    assert clear_secrets(sealed(Config(kafka=GIVEN), {})) == []


def test_a_secret_that_a_variable_gave_becomes_a_reference_to_it_and_others_stay():
    environ = {"KAFKATRACE_SASL_JAAS_CONFIG": LOGIN, "KAFKATRACE_SSL_KEY_PASSWORD": "of another setting"}
    job = by_variable(Config(kafka=GIVEN), environ)
    assert job.kafka["sasl.jaas.config"] == "${env:KAFKATRACE_SASL_JAAS_CONFIG}"
    assert looked_up({"sasl.jaas.config": job.kafka["sasl.jaas.config"]}, environ) == {"sasl.jaas.config": LOGIN}
    assert clear_secrets(job) == ["consumer.ssl.key.password"]
