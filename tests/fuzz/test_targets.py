"""Whatever comes in: no exception, no answer that is a server's error, no record that is lost."""

import gzip
import json
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipeline.config.settings import table
from tests.fuzz.targets import TARGETS
from tests.histories import any_trace, value_of

_NUMBERS = st.sampled_from(
    [-(2**63) - 1, -(2**63), -2, -1, 0, 1, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, 10**400, 1e308]
)
_TEXTS = st.text(max_size=20) | st.sampled_from(
    ["", "\0", "\ud800", "a" * 2000, "1e999", "NaN", "2026-02-30T00:00:00Z"]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=6,
)
_KINDS = st.sampled_from(["SEND", "ACK", "CONSUME", "COMMIT"])


def text_of(value: Any) -> bytes:
    """JSON as Python writes it, with NaN and lone surrogates as they are."""
    return json.dumps(value).encode("utf-8", "surrogatepass")


@st.composite
def traces(draw: st.DrawFn) -> bytes:
    """A good trace with fields that are taken away, doubled, or anything."""
    kind = draw(_KINDS)
    value = value_of(any_trace(type=kind, correlation_id="x" if kind in {"SEND", "CONSUME"} else None))
    for name in draw(st.lists(st.sampled_from([*value, "recordTimestamp", "error", "durationMs"]), max_size=3)):
        value[name] = draw(_VALUES)
    text = text_of(value)
    for name in draw(st.lists(st.sampled_from(list(value)), max_size=1)):
        text = text[:-1] + b"," + text_of({name: draw(_VALUES)})[1:]
    cut = draw(st.sampled_from([None, None, None, 1, 40]))
    return text[:cut] if cut is None else text[:-cut]


def batches() -> st.SearchStrategy[bytes]:
    """Traces, and what is none, with 0x1E between them."""
    return st.lists(traces() | st.binary(max_size=30), max_size=5).map(b"\x1e".join)


@st.composite
def envelopes(draw: st.DrawFn) -> bytes:
    """A line of `kcat -J`, with fields that are anything."""
    payload = draw(traces()).decode("utf-8", "surrogatepass")
    line = {"topic": draw(st.sampled_from(["_tracing", "topic", ""])), "partition": 0, "offset": 5, "payload": payload}
    line["headers"] = draw(st.sampled_from([None, ["correlationId", "x"], ["correlationId"], [1, 2], "x"]))
    for name in draw(st.lists(st.sampled_from(["topic", "partition", "offset", "ts", "key", "headers"]), max_size=2)):
        line[name] = draw(_VALUES)
    return text_of(line)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Lines, good and bad; plain, gzip, or gzip that breaks off."""
    whole = b"\n".join(draw(st.lists(envelopes() | st.binary(max_size=30), max_size=6)))
    squeezed = gzip.compress(whole)
    return draw(st.sampled_from([whole, squeezed, squeezed[:-6], squeezed[:12] + b"\xff" + squeezed[13:]]))


@st.composite
def configurations(draw: st.DrawFn) -> bytes:
    """Lines of settings that there are, with values that they may not have."""
    names = st.sampled_from([*table(), "ssl.keystore.location", "sasl.jaas.config", "consumer.x"])
    values = _TEXTS | _NUMBERS.map(str) | st.sampled_from(["true", "-1", "a,b=c", "\\u00zz", "${x}", "orders/x=-5"])
    lines = draw(st.lists(st.tuples(names | _TEXTS, values), max_size=5))
    return b"\n".join(f"{name}={value}".encode("utf-8", "surrogatepass") for name, value in lines)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """A path of the API with parameters that are anything."""
    path = draw(st.sampled_from(["overview", "flows", "traces", "words", "message", "anomalies", "pathways", "health"]))
    names = ["subject", "topic", "groupId", "type", "since", "until", "before", "size", "minutes", "state", "reason"]
    values = _TEXTS | _NUMBERS.map(str) | st.sampled_from(["t/0/1", "t/0/99999999999999999999", "1.1", "-1.0", "%ff"])
    pairs = draw(st.lists(st.tuples(st.sampled_from(names), values), max_size=4))
    return (path + "?" + "&".join(f"{name}={value}" for name, value in pairs)).encode("utf-8", "surrogatepass")


@st.composite
def scrapes(draw: st.DrawFn) -> bytes:
    """A request for metrics, with a path, a version and headers that are anything."""
    method = draw(st.sampled_from(["GET", "HEAD", "POST", "get", ""]))
    path = draw(st.sampled_from(["/metrics", "/healthz", "/readyz?x", "/", "//metrics", "*"]) | _TEXTS)
    version = draw(st.sampled_from(["HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "HTTP/9.9", "HTTP/1.1.1", "", "x"]))
    names = st.sampled_from(["Accept", "Accept-Encoding", "Content-Length", "Connection", "Expect"]) | _TEXTS
    values = st.sampled_from(["application/openmetrics-text; version=1.0.0", "*/*;q=x", "-1", "100-continue"]) | _TEXTS
    headers = draw(st.lists(st.tuples(names, values), max_size=4))
    lines = [f"{method} {path} {version}", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("utf-8", "surrogatepass")


@st.composite
def outputs(draw: st.DrawFn) -> bytes:
    """A record of an output topic with fields that are anything."""
    names = [
        "id",
        "date",
        "type",
        "topic",
        "partition",
        "offset",
        "clientId",
        "revision",
        "durationMs",
        "kind",
        "reason",
    ]
    names += [
        "windowStart",
        "verdicts",
        "groups",
        "consumeLatencyMs",
        "correlationId",
        "hops",
        "origin",
        "count",
        "value",
    ]
    known = draw(
        st.dictionaries(st.sampled_from(names), _VALUES | _KINDS | st.just("2026-01-01T00:00:00Z"), max_size=9)
    )
    return text_of(known)


INPUTS = {
    "trace": (traces(), 1500), "batch": (batches(), 600), "envelope": (envelopes(), 800), "file": (files(), 300),
    "date": (st.binary(), 300), "configuration": (configurations(), 300), "request": (requests(), 250),
    "output": (outputs(), 800), "scrape": (scrapes(), 300),
}  # fmt: skip


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_that_comes_in_breaks_anything(name):
    cases, examples = INPUTS[name]
    settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )(given(cases | st.binary(max_size=200))(TARGETS[name]))()


def test_inputs_are_not_all_refused():
    """Else the fuzzing would only see the gate."""
    from tests.fuzz import targets

    seen: list[int] = []

    @settings(max_examples=200, derandomize=True, database=None, deadline=None)
    @given(traces())
    def count(data: bytes) -> None:
        parsed = targets.parse_trace(data, targets.START, 3_600_000)
        seen.append(isinstance(parsed, targets.Trace))

    count()
    assert 10 < sum(seen) < len(seen)
    assert orjson.loads(text_of(value_of(any_trace())))
