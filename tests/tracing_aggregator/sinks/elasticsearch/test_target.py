"""The target and its server, with answers that a real one gives only when it is in trouble."""

from collections import Counter

import orjson
import pytest

from pipeline.config.settings import Settings
from pipeline.errors import UserError
from tests.tracing_aggregator.explain.cases import sent
from tests.tracing_aggregator.sinks.scripted_server import Answer, Script, scripted
from tests.tracing_aggregator.sinks.test_retry import Pauses, persistence
from tracing_aggregator.sinks.elasticsearch.target import Elasticsearch
from transforms.input.dead_letters import DeadLetter
from transforms.input.records import KafkaRecord

BUSY = {"status": 429, "error": {"type": "busy", "reason": "told"}}


def taken(*results: dict) -> Answer:
    return Answer(body=orjson.dumps({"items": [{"index": result} for result in results]}))


def records(*ids: str) -> list[KafkaRecord]:
    return [KafkaRecord("_aggregatedTrace", 0, at, 1, b"k", orjson.dumps(sent(id=each))) for at, each in enumerate(ids)]


def ids_of(body: bytes) -> list[str]:
    return [orjson.loads(line)["index"]["_id"] for line in body.splitlines()[::2]]


def write(server: Script, *ids: str) -> tuple[list[DeadLetter], Counter, list[list[str]]]:
    """Dead letters, tally, and the ids of each request."""
    tally: Counter[str] = Counter()
    target = Elasticsearch(Settings(elasticsearch_url=server.url))
    letters = target.write(records(*ids), persistence(Pauses()), tally)
    return letters, tally, [ids_of(asked.body) for asked in server.asked]


def test_only_what_was_not_taken_is_sent_again():
    with scripted(taken({"status": 201}, BUSY), Answer(503), taken({"status": 201})) as server:
        letters, tally, requests = write(server, "a", "b")
    assert (letters, tally["written"]) == ([], 2)
    assert requests == [["a", "b"], ["b"], ["b"]]


def test_a_request_that_is_too_long_goes_in_halves_and_one_that_cannot_be_halved_is_a_dead_letter():
    long, short = Answer(413), taken({"status": 201})
    with scripted(long, short, long, long, short) as server:
        letters, tally, requests = write(server, "a", "b", "c")
    assert requests == [["a", "b", "c"], ["a"], ["b", "c"], ["b"], ["c"]]
    assert tally["written"] == 2
    [letter] = letters
    assert (letter.reason, letter.record) == ("rejected-by-elasticsearch", records("a", "b", "c")[1])


def test_an_answer_of_something_else_is_waited_out():
    with scripted(Answer(body=b"<html>"), taken({"status": 201})) as server:
        assert write(server, "a")[1]["written"] == 1


def test_a_refusal_of_the_whole_request_ends_it():
    with scripted(Answer(405, b"no")) as server, pytest.raises(UserError, match="405 no"):
        write(server, "a")


def test_templates_are_put_at_the_beginning_and_a_key_is_sent():
    with scripted(Answer(body=b"{}")) as server:
        settings = Settings(elasticsearch_url=server.url, elasticsearch_api_key="secret")
        Elasticsearch(settings).begin(persistence(Pauses()))
    assert {asked.path for asked in server.asked} == {
        f"/_index_template/tracing-aggregator-{index}"
        for index in ("trace", "kafkatrace-anomaly", "kafkatrace-stats", "kafkatrace-pathway")
    }
    assert {asked.headers["Authorization"] for asked in server.asked} == {"ApiKey secret"}


def test_two_logins_are_one_too_many():
    with pytest.raises(UserError, match="both set"):
        Elasticsearch(Settings(elasticsearch_user="joe", elasticsearch_api_key="secret"))
