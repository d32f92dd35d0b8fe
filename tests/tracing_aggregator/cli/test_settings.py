import javaproperties
import orjson
import pytest
from click.testing import CliRunner

from pipeline.config.load import load_config
from pipeline.config.settings import table
from pipeline.config.settings_table import markdown
from tracing_aggregator.cli.main import main


def settings(*arguments: str) -> str:
    shown = CliRunner().invoke(main, ["settings", *arguments])
    assert shown.exit_code == 0, shown.output
    return shown.stdout


def test_the_list_is_a_properties_file_that_gives_the_same_configuration(tmp_path):
    given = ["-o", r"trace.topics=orders\..*", "-o", "trace.pathways=true", "-o", "cluster.name=Köln", "-o", "acks=all"]
    file = tmp_path / "all.properties"
    file.write_text(settings(*given), encoding="iso-8859-1")
    listed = load_config(file, {}, [])
    expected = load_config(None, {}, given[1::2])
    assert (listed.settings, listed.kafka) == (expected.settings, expected.kafka)


def test_the_list_says_where_a_value_comes_from():
    assert "(from -o block.size)\nblock.size=2048\n" in settings("-o", "block.size=2048")


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_no_secret_is_listed(form):
    shown = settings("-o", "sasl.jaas.config=sesame", "-o", "jars.mirror=https://me:sesame@host/", *form)
    assert "sesame" not in shown
    assert "https://***@host/" in shown


def test_every_setting_is_in_the_json_with_value_default_and_source():
    listed = orjson.loads(settings("--json", "-o", "workers=3", "-o", "acks=all"))
    by_name = {row["name"]: row for row in listed["settings"]}
    assert list(by_name) == list(table())
    assert (by_name["workers"]["value"], by_name["workers"]["default"]) == ("3", "2")
    assert by_name["workers"]["source"] == "-o workers"
    assert by_name["block.size"]["source"] is None
    assert listed["kafka"] == [{"name": "acks", "value": "all", "source": "-o acks"}]


def test_the_markdown_is_the_document():
    assert settings("--markdown") == markdown()


def test_warnings_go_to_stderr():
    shown = CliRunner().invoke(main, ["settings", "-o", "num.stream.threads=3"])
    assert shown.stderr.startswith("Warning: -o num.stream.threads")
    assert javaproperties.loads(shown.stdout)["flink.parallelism"] == "3"
