"""The templates index every field that the schemas of the output topics have, as what the schemas say it is."""

import pytest

from tests.test_schemas import schema
from tracing_aggregator.sinks.elasticsearch.templates import FIELDS, templates

OURS = {"@timestamp"}
TOPICS = {
    "trace": "aggregated-trace",
    "kafkatrace-anomaly": "trace-anomaly",
    "kafkatrace-stats": "trace-stats",
    "kafkatrace-pathway": "trace-pathway",
}
KINDS = {"integer": {"long"}, "number": {"double"}, "boolean": {"boolean"}, "string": {"keyword", "date"}}


def fields(document: dict, name: str) -> dict:
    """The properties of a schema, those of its variants together."""
    if name != "trace-stats":
        return document["properties"]
    kinds = document["$defs"]
    return {field: known for kind in kinds if kind != "latencies" for field, known in kinds[kind]["properties"].items()}


def agree(mapping: dict, known: dict, definitions: dict, path: str) -> None:
    known = definitions[known["$ref"].rpartition("/")[2]] if "$ref" in known else known
    known = known.get("items", {}) if known.get("type") == "array" else known
    if "properties" in mapping:
        assert mapping["properties"].keys() == known["properties"].keys(), path
        for name, part in mapping["properties"].items():
            agree(part, known["properties"][name], definitions, f"{path}.{name}")
        return
    if known.get("type") == "object":
        assert mapping == {"type": "object", "dynamic": True}, path
        return
    kind = known.get("type", "string" if "enum" in known or isinstance(known.get("const"), str) else "boolean")
    kind = kind[0] if isinstance(kind, list) else kind
    assert mapping["type"] in KINDS[kind], path
    assert (mapping["type"] == "date") == ("ISO-8601" in known.get("description", "")), path


@pytest.mark.parametrize("index", TOPICS)
def test_every_field_of_the_schema_is_indexed_as_what_it_is_and_no_other(index):
    document = schema(TOPICS[index])
    known = fields(document, TOPICS[index])
    assert FIELDS[index].keys() - OURS == known.keys()
    for name in known:
        agree(FIELDS[index][name], known[name], document.get("$defs", {}), name)


def test_indices_of_a_day_and_that_of_the_connector_get_the_template_and_no_other_does():
    patterns = {name: template["index_patterns"] for name, template in templates().items()}
    assert patterns["tracing-aggregator-trace"] == ["trace", "trace-*"]
    assert len({pattern for each in patterns.values() for pattern in each}) == 2 * len(TOPICS)
