import pytest

from pipeline.masking import masked

SECRETS = [
    "sasl.jaas.config",
    "ssl.key.password",
    "ssl.keystore.key",
    "ssl.keystore.password",
    "consumer.ssl.truststore.password",
    "sasl.oauthbearer.client.credentials.client.secret",
    "sasl.oauthbearer.assertion.private.key.passphrase",
    "my.api.token",
    "basic.auth.credentials",
    "SSL.KEY.PASSWORD",
    "elasticsearch.api.key",
    "otlp.headers",
]
OPEN = ["bootstrap.servers", "limit.open.per.key", "ssl.keystore.location", "key.serializer", "sasl.mechanism"]


@pytest.mark.parametrize("name", SECRETS)
def test_the_value_of_a_secret_is_never_shown(name):
    assert masked(name, "sesame") == "***"


@pytest.mark.parametrize("name", OPEN)
def test_other_values_are_shown(name):
    assert masked(name, "sesame") == "sesame"


def test_a_login_inside_an_address_is_not_shown():
    assert masked("jars.mirror", "https://me:sesame@host/maven2") == "https://***@host/maven2"


def test_a_secret_that_is_not_set_is_shown_as_empty():
    assert masked("ssl.key.password", "") == ""


def test_a_reference_to_a_secret_is_shown_since_it_says_where_the_secret_is():
    assert masked("ssl.key.password", "${file:/etc/kafka/secrets:key}") == "${file:/etc/kafka/secrets:key}"
    assert masked("sasl.jaas.config", 'module password="${env:A}" other="sesame"') == "***"
