import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.config.settings import Settings, table
from pipeline.config.settings_table import markdown, rows

REPOSITORY = Path(__file__).parents[3]


def test_a_setting_is_found_under_its_property_name_and_under_its_attribute():
    assert Settings.model_validate({"hold.send.ms": "5"}) == Settings(hold_send_ms=5)


def test_the_usual_folders_are_where_the_xdg_variables_say(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", "relative, and so ignored")
    assert Settings().state_dir == tmp_path / "state" / "tracing-aggregator"
    assert Settings().jars_cache == Path.home() / ".cache/tracing-aggregator/jars"
    assert Settings(state_dir="~/elsewhere").state_dir == Path.home() / "elsewhere"


def test_the_defaults_are_valid_and_expand_the_home_folder():
    assert Settings().state_dir == Path.home() / ".local/state/tracing-aggregator"


def test_settings_cannot_be_changed():
    with pytest.raises(ValidationError):
        Settings().hold_send_ms = 1  # type: ignore[misc]


def test_every_setting_says_what_it_means_in_which_section_and_a_wait_its_unit():
    for row in rows():
        assert row.description.endswith((".", "`.")), row.name
        assert row.section, row.name
        if re.search(r"\.ms$", row.name):
            assert "in ms" in row.description, row.name


def test_every_setting_is_documented_and_the_document_is_up_to_date():
    document = (REPOSITORY / "docs/settings.md").read_text(encoding="utf-8")
    assert markdown() == document, "run: make docs"
    assert all(f"| `{name}` |" in document for name in table())


@pytest.mark.parametrize("name", ["retention.ms", "block.size", "hold.send.ms", "workers"])
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many", ""])
def test_waits_and_counts_are_whole_numbers_above_zero(name, value):
    with pytest.raises(ValidationError, match=name.replace(".", r"\.")):
        Settings.model_validate({name: value})


@pytest.mark.parametrize("servers", ["localhost:9092", "a:1,b:2", "[::1]:9092", "SASL_SSL://kafka-1.example:9093"])
def test_brokers_are_host_and_port(servers):
    assert Settings(bootstrap_servers=servers).bootstrap_servers == servers


@pytest.mark.parametrize("servers", ["", "localhost", "localhost:", "localhost:99999", "a:1,b", "a b:1"])
def test_brokers_without_host_or_port_are_refused(servers):
    with pytest.raises(ValidationError, match="host:port"):
        Settings(bootstrap_servers=servers)


@pytest.mark.parametrize("master", ["[local]", "flink.example:8081", "127.0.0.1:8081"])
def test_flink_runs_here_or_on_a_cluster_with_host_and_port(master):
    assert Settings(flink_master=master).flink_master == master


@pytest.mark.parametrize("master", ["", "local", "flink.example", "[auto]", "http://flink.example"])
def test_a_flink_that_is_neither_here_nor_at_host_and_port_is_refused(master):
    with pytest.raises(ValidationError, match="host:port of a Flink cluster"):
        Settings(flink_master=master)


def test_topics_that_would_be_read_and_written_at_once_are_refused():
    with pytest.raises(ValidationError, match=re.escape("aggregated.topic=_tracing is also tracing.topic")):
        Settings(aggregated_topic="_tracing")


def test_more_parallel_instances_than_state_can_be_divided_into_are_refused():
    with pytest.raises(ValidationError, match=re.escape("flink.max.parallelism=4 is below flink.parallelism=8")):
        Settings(flink_parallelism=8, flink_max_parallelism=4)


def test_observing_with_the_java_reader_is_refused():
    with pytest.raises(ValidationError, match=re.escape("observe.topics=orders cannot be read by kafka.io=java")):
        Settings(observe_topics="orders", kafka_io="java")
