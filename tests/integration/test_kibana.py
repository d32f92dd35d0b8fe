"""Every query and aggregation of Kibana's saved objects, asked of a real OpenSearch that `sink elasticsearch` filled.

A Kibana server does not run here; that the objects import is not tested, but what their panels ask is.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.search_server import SearchServer
from tests.integration.sink_processes import SinkProcess
from tools.kibana_objects import ndjson

pytestmark = [pytest.mark.integration, pytest.mark.search]

FILE = Path(__file__).parents[2] / "deploy" / "kibana" / "kafka-tracing.ndjson"
OBJECTS = {each["id"]: each for each in map(json.loads, FILE.read_text().splitlines())}
METRICS = {"sum", "avg", "max"}


def of_kind(kind: str) -> list[str]:
    return [name for name, each in OBJECTS.items() if each["type"] == kind]


def referred(name: str) -> list[dict[str, Any]]:
    return [OBJECTS[reference["id"]] for reference in OBJECTS[name]["references"]]


@pytest.fixture(scope="module")
def filled(aggregated, search_server: SearchServer, tmp_path_factory) -> SearchServer:
    """A server with traces, statistics and findings of genuine traces."""
    given = {**aggregated, "application.id": "kibana", "elasticsearch.url": search_server.url}
    with SinkProcess("elasticsearch", given, tmp_path_factory.mktemp("kibana") / "log") as sink:
        sink.wait_until(
            lambda: all(search_server.documents(f"{pattern_of(name)}") for name in of_kind("index-pattern"))
        )
        sink.end()
    return search_server


def pattern_of(name: str) -> str:
    return str(OBJECTS[name]["attributes"]["title"])


def query_of(name: str) -> dict[str, Any]:
    source = json.loads(OBJECTS[name]["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
    assert source["query"]["language"] == "lucene"
    return {"query_string": {"query": source["query"]["query"] or "*"}}


def aggregation(asked: dict[str, Any], metrics: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A bucket of Kibana's as the server knows it."""
    params = asked["params"]
    if asked["type"] == "date_histogram":
        return {"date_histogram": {"field": params["field"], "fixed_interval": "1m", "min_doc_count": 1}}
    assert asked["type"] == "terms"
    order = "_count" if metrics[params["orderBy"]]["type"] == "count" else params["orderBy"]
    return {"terms": {"field": params["field"], "size": params["size"], "order": {order: params["order"]}}}


def request_of(asked: list[dict[str, Any]]) -> dict[str, Any]:
    """Kibana's list of aggregations, nested as it nests them: buckets in their order, metrics in each."""
    metrics = {each["id"]: each for each in asked if each["schema"] == "metric"}
    leaves = {name: {metric["type"]: metric["params"]} for name, metric in metrics.items() if metric["type"] in METRICS}
    inner: dict[str, Any] = dict(leaves)
    for bucket in reversed([each for each in asked if each["schema"] != "metric"]):
        inner = {bucket["id"]: {**aggregation(bucket, metrics), **({"aggs": inner} if inner else {})}, **leaves}
    return inner


def buckets(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The innermost buckets of an answer."""
    below = [part for part in answer.values() if isinstance(part, dict) and "buckets" in part]
    if not below:
        yield answer
    for part in below:
        for bucket in part["buckets"]:
            yield from buckets(bucket)


@pytest.mark.parametrize("name", of_kind("visualization"))
def test_what_a_panel_asks_has_an_answer(filled, name):
    state = json.loads(OBJECTS[name]["attributes"]["visState"])
    [pattern] = referred(name)
    answer = filled.search(pattern["attributes"]["title"], query=query_of(name), aggs=request_of(state["aggs"]), size=0)
    found = list(buckets(answer["aggregations"]))
    assert found
    for metric in (each for each in state["aggs"] if each["type"] in METRICS):
        assert any(bucket[metric["id"]]["value"] is not None for bucket in found), metric


@pytest.mark.parametrize("name", of_kind("search"))
def test_a_list_has_records_and_its_columns_are_fields_of_theirs(filled, name):
    attributes, [pattern] = OBJECTS[name]["attributes"], referred(name)
    [[time, direction]] = attributes["sort"]
    answer = filled.search(pattern["attributes"]["title"], query=query_of(name), sort=[{time: direction}])
    hits = [hit["_source"] for hit in answer["hits"]["hits"]]
    assert hits
    assert set(attributes["columns"]) - {"groupId"} <= {field for hit in hits for field in hit}
    mappings = filled.ask("GET", f"/{pattern['attributes']['title']}/_mapping")
    assert all(set(attributes["columns"]) <= each["mappings"]["properties"].keys() for each in mappings.values())


def test_the_fields_that_the_dashboards_of_the_java_system_ask_for_can_be_grouped_by(filled):
    for field in ("groupId.keyword", "topic.keyword", "type.keyword", "clientId.keyword"):
        answer = filled.search("trace*", aggs={"of": {"terms": {"field": field}}}, size=0)
        assert answer["aggregations"]["of"]["buckets"], field


def test_time_fields_are_dates(filled):
    for name in of_kind("index-pattern"):
        field = OBJECTS[name]["attributes"]["timeFieldName"]
        answer = filled.search(pattern_of(name), query={"range": {field: {"gte": "2020-01-01"}}}, size=0)
        assert answer["hits"]["total"]["value"] > 0, name


def test_references_lead_to_objects_that_come_before():
    names = list(OBJECTS)
    for name, each in OBJECTS.items():
        assert all(names.index(reference["id"]) < names.index(name) for reference in each["references"])
        assert all(OBJECTS[reference["id"]]["type"] == reference["type"] for reference in each["references"])


def test_a_dashboard_shows_all_its_panels_each_in_a_place_of_its_own():
    for name in of_kind("dashboard"):
        panels = json.loads(OBJECTS[name]["attributes"]["panelsJSON"])
        assert [panel["panelRefName"] for panel in panels] == [each["name"] for each in OBJECTS[name]["references"]]
        taken: set[tuple[int, int]] = set()
        for panel in panels:
            at = panel["gridData"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            assert not cells & taken
            assert at["x"] + at["w"] <= 48
            taken |= cells


def test_the_file_is_what_the_tool_writes():
    assert FILE.read_text() == ndjson()
