"""Index templates: which fields our documents have, and as what they are indexed.

Only fields that docs/schemas names are indexed: what else a trace carries is kept and shown, but cannot blow up a
mapping or clash with another client's idea of a field. Texts are there twice, as `topic` and `topic.keyword`, because
the dashboards of the Java system ask for the latter, which Elasticsearch makes by itself where there is no template.
"""

from typing import Any

from tracing_aggregator.sinks.elasticsearch.documents import ANOMALY_INDEX, PATHWAY_INDEX, STATS_INDEX, TRACE_INDEX

Mapping = dict[str, Any]

#: Above those that match by `*`, and below what an operator may want to put in their place.
PRIORITY = 100
#: Longer texts are kept, but not indexed: a term may have 32,766 bytes.
_LONGEST_TERM = 2048

_TEXT: Mapping = {
    "type": "keyword",
    "ignore_above": _LONGEST_TERM,
    "fields": {"keyword": {"type": "keyword", "ignore_above": _LONGEST_TERM}},
}
_DATE: Mapping = {"type": "date"}
_WHOLE: Mapping = {"type": "long"}
_NUMBER: Mapping = {"type": "double"}
_FLAG: Mapping = {"type": "boolean"}
#: Kept, not indexed.
_OPAQUE: Mapping = {"type": "keyword", "index": False, "doc_values": False}


def _fields(**kinds: tuple[Mapping, str]) -> Mapping:
    """Properties by name: `text=(_TEXT, "id topic")`."""
    return {name: mapping for mapping, names in kinds.values() for name in names.split()}


def _object(properties: Mapping) -> Mapping:
    return {"properties": properties}


_LATENCIES = _object(
    _fields(whole=(_WHOLE, "count min max"), number=(_NUMBER, "avg p50 p90 p95 p99"), opaque=(_OPAQUE, "sketch"))
)
_HOP = _fields(
    text=(_TEXT, "fromTopic groupId clientId toTopic sentBy"),
    date=(_DATE, "consumedAt sentAt"),
    whole=(_WHOLE, "residenceMs fromOriginMs"),
    flag=(_FLAG, "ambiguous"),
)

FIELDS: dict[str, Mapping] = {
    TRACE_INDEX: _fields(
        text=(_TEXT, "id type topic correlationId clientId groupId cluster"),
        date=(_DATE, "date"),
        whole=(_WHOLE, "partition offset durationMs deliveryCount settledBy revision"),
        flag=(_FLAG, "repeated withdrawn"),
    ),
    ANOMALY_INDEX: {
        **_fields(
            text=(
                _TEXT,
                "id reason topic correlationId groupId clientId type error cause firstClientId sentBy key cluster",
            ),
            date=(_DATE, "@timestamp date producedAt deadline firstDate windowStart lastDate"),
            whole=(
                _WHOLE,
                (
                    "partition offset resumedAt deliveryCount firstPartition firstOffset fromOffset durationMs limit "
                    "count found"
                ),
            ),
            flag=(_FLAG, "resolved inLog observed summary summarised"),
        ),
        "examples": _object(_fields(text=(_TEXT, "id correlationId"), whole=(_WHOLE, "partition offset"))),
    },
    STATS_INDEX: {
        **_fields(
            text=(_TEXT, "kind topic groupId fromTopic toTopic clients groups commits timestampType cluster"),
            date=(_DATE, "windowStart measuredAt"),
            whole=(
                _WHOLE,
                (
                    "produced sent acked ambiguous unknownProduceTime expected actual over under committed "
                    "slaBreaches count partition messages bytes withCorrelationId late endOffset commitCount rewinds "
                    "lag offsetLag lagMs sinceCommitMs members generation"
                ),
            ),
            number=(_NUMBER, "lowerMs upperMs correctionMs"),
            flag=(_FLAG, "final withdrawn inconsistent atLeast"),
        ),
        "coverage": _object(_fields(whole=(_WHOLE, "traced offsets"), number=(_NUMBER, "ratio"))),
        # By reason: as many fields as there are reasons.
        "verdicts": {"type": "object", "dynamic": True},
        **dict.fromkeys(
            (
                "ackLatencyMs",
                "consumeLatencyMs",
                "commitLatencyMs",
                "residenceMs",
                "fromOriginMs",
                "produceToCommitMs",
            ),
            _LATENCIES,
        ),
    },
    PATHWAY_INDEX: {
        **_fields(text=(_TEXT, "correlationId cluster"), whole=(_WHOLE, "revision"), flag=(_FLAG, "complete")),
        "origin": _object(_fields(text=(_TEXT, "topic clientId"), date=(_DATE, "date"))),
        "hops": _object(_HOP),
    },
}


def templates() -> dict[str, Mapping]:
    """The bodies of composable index templates (Elasticsearch 7.8 and later, OpenSearch), by their names."""
    return {
        f"tracing-aggregator-{index}": {
            # Without a day too: the connector of Kafka Connect writes one index.
            "index_patterns": [index, f"{index}-*"],
            "priority": PRIORITY,
            "template": {"mappings": {"dynamic": False, "properties": fields}},
        }
        for index, fields in FIELDS.items()
    }
