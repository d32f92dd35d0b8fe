"""Kibana's saved objects, as they are imported: a dashboard with the panels of the Java system, and one of our own.

Objects are in the form of Kibana 7.6, which every later Kibana, and OpenSearch Dashboards, migrates at the import.
Queries are in Lucene's syntax, which the server itself understands: a test asks it all of them.
"""

import json
from collections.abc import Sequence
from typing import Any

from tracing_aggregator.sinks.elasticsearch.documents import ANOMALY_INDEX, STATS_INDEX, TRACE_INDEX

Json = dict[str, Any]

#: Index patterns by id: title, time field.
PATTERNS = {
    # As that of the Java system: it fits the index that its connector writes, and ours of each day.
    "kafka-tracing-traces": (f"{TRACE_INDEX}*", "date"),
    "kafka-tracing-statistics": (f"{STATS_INDEX}*", "windowStart"),
    "kafka-tracing-anomalies": (f"{ANOMALY_INDEX}*", "@timestamp"),
}
TRACES, STATISTICS, ANOMALIES = PATTERNS
_SOURCE = "kibanaSavedObjectMeta.searchSourceJSON.index"
_COLUMNS = ("type", "topic", "partition", "offset", "groupId", "durationMs", "correlationId")
_FINDING_COLUMNS = ("reason", "resolved", "topic", "partition", "offset", "groupId", "clientId", "correlationId")


def ndjson() -> str:
    """The file to import: one object a line."""
    return "".join(json.dumps(each, sort_keys=True) + "\n" for each in objects())


def objects() -> list[Json]:
    """All objects; each comes after those that it refers to."""
    reference = [
        _pie("kafka-tracing-by-group", "Traces by group and topic", "groupId.keyword", "topic.keyword"),
        _pie("kafka-tracing-by-type", "Traces by type and client", "type.keyword", "clientId.keyword"),
        _series(
            "kafka-tracing-duration",
            "Duration by type over time",
            TRACES,
            "line",
            [_metric("1", "avg", "durationMs")],
            split="type.keyword",
        ),
        _search("kafka-tracing-list", "List of traces", TRACES, "date", _COLUMNS),
    ]
    counts = ("expected", "actual", "over", "under")
    ours = [
        _series(
            "kafka-tracing-delivery",
            "Messages expected, consumed, over- and under-consumed by produce time",
            STATISTICS,
            "line",
            [_metric(str(number), "sum", field) for number, field in enumerate(counts, 1)],
            query="kind:group",
        ),
        _table(
            "kafka-tracing-groups",
            "Topics and groups",
            [
                *(_metric(str(number), "sum", field) for number, field in enumerate(counts, 1)),
                _metric("5", "max", "consumeLatencyMs.p95"),
            ],
            query="kind:group",
        ),
        _series(
            "kafka-tracing-open",
            "Open findings by reason",
            ANOMALIES,
            "histogram",
            [_metric("1", "count")],
            split="reason.keyword",
            query="resolved:false",
        ),
        _search("kafka-tracing-findings", "List of findings", ANOMALIES, "@timestamp", _FINDING_COLUMNS),
    ]
    patterns = [
        _object("index-pattern", name, {"title": title, "timeFieldName": time}, [])
        for name, (title, time) in PATTERNS.items()
    ]
    return [
        *patterns,
        *reference,
        *ours,
        _dashboard(
            "kafka-tracing",
            "Kafka Tracing",
            reference,
            [(0, 0, 12, 10), (12, 0, 12, 10), (24, 0, 24, 10), (0, 10, 48, 15)],
        ),
        _dashboard(
            "kafka-tracing-health",
            "Kafka Tracing: deliveries and findings",
            ours,
            [(0, 0, 24, 14), (24, 0, 24, 14), (0, 14, 48, 10), (0, 24, 48, 15)],
        ),
    ]


def _object(kind: str, name: str, attributes: Json, references: Sequence[Json]) -> Json:
    return {
        "type": kind,
        "id": name,
        "migrationVersion": {kind: {"dashboard": "7.3.0", "search": "7.4.0"}.get(kind, "7.6.0")},
        "attributes": attributes,
        "references": list(references),
    }


def _from(pattern: str) -> list[Json]:
    return [{"name": _SOURCE, "type": "index-pattern", "id": pattern}]


def _source(query: str, **more: Any) -> Json:
    search = {"query": {"language": "lucene", "query": query}, "filter": [], "indexRefName": _SOURCE, **more}
    return {"searchSourceJSON": json.dumps(search)}


def _visualization(
    name: str, title: str, pattern: str, kind: str, aggregations: Sequence[Json], params: Json, query: str = ""
) -> Json:
    state = {"title": title, "type": kind, "params": params, "aggs": list(aggregations)}
    attributes = {
        "title": title,
        "description": "",
        "version": 1,
        "visState": json.dumps(state),
        "uiStateJSON": "{}",
        "kibanaSavedObjectMeta": _source(query),
    }
    return _object("visualization", name, attributes, _from(pattern))


def _metric(number: str, kind: str, field: str = "") -> Json:
    params = {"field": field} if field else {}
    return {"id": number, "enabled": True, "type": kind, "schema": "metric", "params": params}


def _terms(number: str, schema: str, field: str, size: int) -> Json:
    params = {"field": field, "orderBy": "1", "order": "desc", "size": size}
    params |= {
        "otherBucket": False,
        "otherBucketLabel": "Other",
        "missingBucket": False,
        "missingBucketLabel": "Missing",
    }
    return {"id": number, "enabled": True, "type": "terms", "schema": schema, "params": params}


def _over_time(number: str, field: str) -> Json:
    params = {"field": field, "interval": "auto", "useNormalizedEsInterval": True, "min_doc_count": 1}
    params |= {"drop_partials": False, "scaleMetricValues": False, "extended_bounds": {}}
    return {"id": number, "enabled": True, "type": "date_histogram", "schema": "segment", "params": params}


def _pie(name: str, title: str, inner: str, outer: str) -> Json:
    aggregations = [_metric("1", "count"), _terms("2", "segment", inner, 5), _terms("3", "segment", outer, 5)]
    params = {"type": "pie", "addTooltip": True, "addLegend": True, "legendPosition": "right", "isDonut": True}
    params["labels"] = {"show": False, "values": True, "last_level": True, "truncate": 100}
    return _visualization(name, title, TRACES, "pie", aggregations, params)


def _series(
    name: str, title: str, pattern: str, kind: str, metrics: Sequence[Json], split: str = "", query: str = ""
) -> Json:
    """Metrics over time, as lines or stacked bars."""
    stacked = kind == "histogram"
    params = {
        "type": kind,
        "grid": {"categoryLines": False},
        "categoryAxes": [
            {
                "id": "CategoryAxis-1", "type": "category", "position": "bottom", "show": True, "style": {},
                "title": {}, "scale": {"type": "linear"}, "labels": {"show": True, "filter": True, "truncate": 100},
            }
        ],
        "valueAxes": [
            {
                "id": "ValueAxis-1", "name": "LeftAxis-1", "type": "value", "position": "left", "show": True,
                "style": {}, "scale": {"type": "linear", "mode": "normal"}, "title": {"text": ""},
                "labels": {"show": True, "rotate": 0, "filter": False, "truncate": 100},
            }
        ],
        "seriesParams": [
            {
                "show": True, "type": kind, "mode": "stacked" if stacked else "normal", "valueAxis": "ValueAxis-1",
                "drawLinesBetweenPoints": True, "lineWidth": 2, "interpolate": "linear", "showCircles": True,
                "data": {"id": metric["id"], "label": _label(metric)},
            }
            for metric in metrics
        ],
        "addTooltip": True,
        "addLegend": True,
        "legendPosition": "right",
        "times": [],
        "addTimeMarker": False,
        "labels": {},
        "thresholdLine": {"show": False, "value": 10, "width": 1, "style": "full", "color": "#E7664C"},
    }  # fmt: skip
    after = len(metrics) + 1
    aggregations = [*metrics, _over_time(str(after), PATTERNS[pattern][1])]
    aggregations += [_terms(str(after + 1), "group", split, 15)] if split else []
    return _visualization(name, title, pattern, kind, aggregations, params, query)


def _label(metric: Json) -> str:
    return " ".join([metric["type"], *metric["params"].values()])


def _table(name: str, title: str, metrics: Sequence[Json], query: str) -> Json:
    after = len(metrics) + 1
    buckets = [
        _terms(str(after), "bucket", "topic.keyword", 50),
        _terms(str(after + 1), "bucket", "groupId.keyword", 50),
    ]
    params = {"perPage": 15, "showPartialRows": False, "showMetricsAtAllLevels": False, "showTotal": False}
    params |= {"sort": {"columnIndex": None, "direction": None}, "totalFunc": "sum", "percentageCol": ""}
    return _visualization(name, title, STATISTICS, "table", [*metrics, *buckets], params, query)


def _search(name: str, title: str, pattern: str, time: str, columns: Sequence[str]) -> Json:
    attributes = {
        "title": title,
        "description": "",
        "version": 1,
        "hits": 0,
        "columns": list(columns),
        "sort": [[time, "desc"]],
        "kibanaSavedObjectMeta": _source("", highlightAll=True, version=True),
    }
    return _object("search", name, attributes, _from(pattern))


def _dashboard(name: str, title: str, panels: Sequence[Json], places: Sequence[tuple[int, int, int, int]]) -> Json:
    placed = [
        {
            "panelIndex": str(number),
            "gridData": {"x": x, "y": y, "w": w, "h": h, "i": str(number)},
            "version": "7.6.0",
            "embeddableConfig": {},
            "panelRefName": f"panel_{number}",
        }
        for number, (x, y, w, h) in enumerate(places)
    ]
    attributes = {
        "title": title,
        "description": "",
        "version": 1,
        "hits": 0,
        "timeRestore": False,
        "panelsJSON": json.dumps(placed),
        "optionsJSON": json.dumps({"hidePanelTitles": False, "useMargins": True}),
        "kibanaSavedObjectMeta": {
            "searchSourceJSON": json.dumps({"query": {"language": "lucene", "query": ""}, "filter": []})
        },
    }
    references = [
        {"name": f"panel_{number}", "type": panel["type"], "id": panel["id"]} for number, panel in enumerate(panels)
    ]
    return _object("dashboard", name, attributes, references)
