"""Secrets by reference: what stands for what, what leads nowhere, and what Java is told."""

import pytest

from pipeline.config.client_properties import to_librdkafka
from pipeline.config.load import load_config
from pipeline.config.references import has_reference, is_reference, looked_up, with_providers
from pipeline.errors import ConfigError, UserError

SESAME = "open ${env:sesame} \\ # =:"  # what is found is not looked into again


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "password").write_text(SESAME)
    (tmp_path / "broken").write_text("sesame\n")
    (tmp_path / "all.properties").write_text("key=first\nother.key = grün\\u0021\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("${env:PASSWORD}", SESAME),
        ("${dir:FOLDER:password}", SESAME),
        ("${file:FOLDER/all.properties:key}", "first"),
        ("${file:FOLDER/all.properties:other.key}", "grün!"),
        ('user="${env:USER}" password="${file:FOLDER/all.properties:key}";', 'user="alice" password="first";'),
        ("plain", "plain"),
        ("$[a-z]{2}", "$[a-z]{2}"),
        ("${vault:secret:key}", "${vault:secret:key}"),
    ],
)
def test_a_reference_stands_for_a_variable_a_key_of_a_file_or_a_file(folder, value, expected):
    environ = {"PASSWORD": SESAME, "USER": "alice"}
    assert looked_up({"x": value.replace("FOLDER", str(folder))}, environ) == {"x": expected}


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("${env:NOBODY}", "there is no variable NOBODY in the environment"),
        ("${dir:FOLDER:nothing}", "nothing: No such file or directory"),
        ("${dir:FOLDER:../password}", "../password is no name of a file"),
        ("${dir:FOLDER:broken}", "ends with a line break"),
        ("${file:FOLDER/none:key}", "none: No such file or directory"),
        ("${file:FOLDER/all.properties:nothing}", "all.properties has no key nothing"),
        ("${file:FOLDER:key}", "Is a directory"),
    ],
)
def test_a_reference_that_leads_nowhere_is_a_mistake_that_shows_no_secret(folder, value, why):
    with pytest.raises(UserError) as raised:
        looked_up({"ssl.key.password": value.replace("FOLDER", str(folder))}, {"PASSWORD": SESAME})
    assert "ssl.key.password refers to ${" in raised.value.message
    assert why in raised.value.message
    assert "sesame" not in raised.value.message


def test_every_reference_that_leads_nowhere_is_told_with_its_source(folder):
    environ = {"KAFKATRACE_SSL_KEY_PASSWORD": "${env:NOBODY}"}
    with pytest.raises(ConfigError) as raised:
        load_config(None, environ, ["cluster.name=${env:NOTHING}", "hold.send.ms=-1"])
    assert [mistake.partition(":")[0] for mistake in raised.value.mistakes] == [
        "-o cluster.name", "KAFKATRACE_SSL_KEY_PASSWORD", "-o hold.send.ms",
    ]  # fmt: skip


def test_our_own_settings_are_looked_up_and_those_of_clients_stay_references_until_a_client_is_made(monkeypatch):
    monkeypatch.setenv("SESAME", "open")
    config = load_config(None, {"SESAME": "open"}, ["cluster.name=${env:SESAME}", "ssl.key.password=${env:SESAME}"])
    assert config.settings.cluster_name == "open"
    assert config.kafka["ssl.key.password"] == "${env:SESAME}"
    assert to_librdkafka(config.consumer_properties())["ssl.key.password"] == "open"


def test_java_is_told_who_looks_up_what_only_where_there_is_something_to_look_up():
    assert with_providers({"a": "b"}) == {"a": "b"}
    told = with_providers({"a": "${env:B}"})
    assert told["config.providers"] == "env,file,dir"
    assert told["config.providers.dir.class"].endswith(".DirectoryConfigProvider")


def test_providers_of_ones_own_stay_with_java_and_are_refused_in_python():
    own = {"config.providers": "vault, env", "config.providers.env.class": "mine", "a": "${env:B}"}
    told = with_providers(own)
    assert told["config.providers"] == "vault,env,file,dir"
    assert told["config.providers.env.class"] == "mine"
    with pytest.raises(UserError, match="only Java's clients can ask the config provider vault"):
        to_librdkafka({"config.providers": "vault", "ssl.key.password": "${vault:path:key}"})


def test_properties_of_config_providers_are_not_taken_for_mistakes_of_typing():
    config = load_config(None, {}, ["config.providers=vault", "config.providers.vault.class=a.B"])
    assert config.warnings == ()


@pytest.mark.parametrize(("value", "whole"), [("${env:A}", True), ('a="${env:A}"', False)])
def test_a_value_is_a_reference_or_has_some(value, whole):
    assert has_reference(value)
    assert is_reference(value) is whole
