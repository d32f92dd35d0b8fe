import pytest

from pipeline.config.jaas import jaas_properties
from pipeline.errors import UserError

PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
OAUTH = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
KERBEROS = "com.sun.security.auth.module.Krb5LoginModule"


@pytest.mark.parametrize("module", [PLAIN, SCRAM])
@pytest.mark.parametrize(
    ("options", "password"),
    [
        ('username="alice" password="open sesame"', "open sesame"),
        ("username='alice' password='sesame;'", "sesame;"),
        (r'username="alice" password="a\"b\\c=d"', 'a"b\\c=d'),
        ("username=alice password=sesame", "sesame"),
        ('\n  username="alice"\n  password=""', ""),
    ],
)
def test_name_and_password_are_read_as_java_reads_them(module, options, password):
    properties = jaas_properties({"sasl.jaas.config": f"{module} required {options};"})
    assert properties == {"sasl.username": "alice", "sasl.password": password}


def test_without_a_login_there_is_nothing_to_translate():
    assert jaas_properties({}) == {}


def test_a_client_of_an_identity_provider_is_translated():
    text = f'{OAUTH} required clientId="me" clientSecret="sesame" scope="kafka";'
    assert jaas_properties({"sasl.jaas.config": text}) == {
        "sasl.oauthbearer.client.id": "me",
        "sasl.oauthbearer.client.secret": "sesame",
        "sasl.oauthbearer.scope": "kafka",
    }


def test_an_unsigned_token_is_as_allowed_as_in_java():
    text = f'{OAUTH} required unsecuredLoginStringClaim_sub="alice";'
    assert jaas_properties({"sasl.jaas.config": text}) == {
        "enable.sasl.oauthbearer.unsecure.jwt": "true",
        "sasl.oauthbearer.config": "principal=alice",
    }


def test_a_kerberos_keytab_is_translated():
    text = f'{KERBEROS} required useKeyTab=true keyTab="/etc/k.keytab" principal="me@REALM";'
    assert jaas_properties({"sasl.jaas.config": text}) == {
        "sasl.kerberos.keytab": "/etc/k.keytab",
        "sasl.kerberos.principal": "me@REALM",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f'{PLAIN} required username="alice";', "lacks password"),
        (f"{SCRAM} required;", "lacks password and username"),
        ("software.amazon.msk.auth.iam.IAMLoginModule required;", "exists only in Java"),
        ('username="alice" password="sesame"', "is not of the form"),
    ],
)
def test_a_login_that_cannot_be_used_is_refused_without_showing_it(text, message):
    with pytest.raises(UserError, match=message) as caught:
        jaas_properties({"sasl.jaas.config": text})
    assert "sesame" not in str(caught.value)
