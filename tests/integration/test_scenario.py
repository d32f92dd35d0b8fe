"""Everything that befalls Kafka clients, on a real broker: each has the verdicts that it deserves, and no others.

What is expected follows from the raw traces and the topics alone. A client that is killed may take its last traces with
it, so how many there are is not known beforehand.
"""

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import pytest

from pipeline.config.load import load_config
from runners import bounded_kafka
from runners.kafka.broker import Broker
from tests.integration.aggregations import Outcome, command, in_kafka, settings, tracing_aggregator
from tests.integration.flink_processes import records
from tests.integration.scenario import (
    ABORTED,
    COMPACTED,
    EAGER_CLEANER,
    EXACTLY_ONCE,
    FORWARDED,
    KILLED,
    READ,
    REBALANCED,
    RESET,
    SHRUNK,
    SOUGHT,
    UNTRACED,
    WAIT_MS,
    Scenario,
    messages,
)

pytestmark = pytest.mark.integration
Value = dict[str, Any]
DEADLINES = dict.fromkeys(("unacked_ms", "lost_ms", "unconsumed_ms", "uncommitted_ms"), str(WAIT_MS))


class Told(NamedTuple):
    """The scenario, its raw traces by date, and what a run over it has counted and written."""

    scenario: Scenario
    raw: list[Value]
    counts: Counter[str]
    found: Outcome
    stats: list[Value]
    given: dict[str, str]

    def raws(self, kind: str, topic: str) -> list[Value]:
        return [value for value in self.raw if value["type"] == kind and value["topic"] == topic]

    def findings(self, topic: str) -> dict[str, Value]:
        return {name: finding for name, finding in self.found.findings.items() if finding["topic"] == topic}

    def again(self, topic: str) -> list[Value]:
        """The deliveries of a topic's only group after the first of each offset."""
        seen: set[int] = set()
        reads = self.raws("CONSUME", topic)
        return [read for read in reads if read["offset"] in seen or seen.add(read["offset"])]

    def sums(self, kind: str, topic: str) -> Counter[str]:
        """The numbers of all windows of a topic, or of its only group."""
        sums: Counter[str] = Counter()
        for value in self.stats:
            if (value["kind"], value.get("topic")) == (kind, topic):
                sums.update({name: fact for name, fact in value.items() if type(fact) is int})
                sums.update(value.get("coverage", {}))
        return sums


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("scenario")
    with Broker(folder / "broker", properties=EAGER_CLEANER) as broker:
        servers = broker.bootstrap_servers
        given = settings(servers, "scenario", folder, **DEADLINES, trace_topics=",".join(READ))
        given |= {"hold.consume.ms": "30000", "hold.ack.ms": "30000", "retention.ms": "3600000"}
        tracing_aggregator("topics", given=given)
        scenario = Scenario(servers, folder / "clients")
        scenario.run()
        config = load_config(None, {}, [f"{name}={value}" for name, value in given.items()])
        counts = bounded_kafka.run(config, lambda line: None)
        raw = [json.loads(record.value()) for record in records(servers, "_tracing")]
        stats = {record.key(): json.loads(record.value()) for record in records(servers, given["stats.topic"])}
        yield Told(scenario, sorted(raw, key=instant), counts, in_kafka(given), list(stats.values()), given)


def instant(value: Value) -> tuple[str, str]:
    """The order of dates, which have 0 to 9 digits of a second."""
    return value["date"].removesuffix("Z").ljust(29, "0"), value["id"]


def rewound(commits: list[Value]) -> set[str]:
    return {f"rewound:{one['id']}" for before, one in pairwise(commits) if one["offset"] < before["offset"]}


def test_after_a_rebalance_in_the_middle_of_a_batch_the_batch_is_over_consumed(told):
    again = told.again(REBALANCED)
    assert len(again) > 20
    found = told.findings(REBALANCED)
    assert found.keys() == {f"over-consumed:{read['id']}" for read in again}
    assert {finding["cause"] for finding in found.values()} == {"rebalance"}
    assert told.sums("group", REBALANCED)["over"] == len(again)


def test_a_seek_to_the_beginning_is_a_rewind(told):
    found = told.findings(SOUGHT)
    again = {f"over-consumed:{read['id']}" for read in told.again(SOUGHT)}
    back = rewound(told.raws("COMMIT", SOUGHT))
    assert (len(again), len(back)) == (10, 1)
    assert found.keys() == again | back
    assert {found[name]["cause"] for name in again} == {"rewind"}


def test_an_offset_reset_backwards_is_a_rewind_and_one_forwards_leaves_messages_unconsumed(told):
    found = told.findings(RESET)
    again = {f"over-consumed:{read['id']}" for read in told.again(RESET)}
    skipped = {f"unconsumed:{RESET}:{RESET}:0:{offset}" for offset in range(30, 40)}
    assert len(again) == 20
    assert found.keys() == again | skipped | rewound(told.raws("COMMIT", RESET))
    assert {found[name]["cause"] for name in again} == {"rewind"}
    assert {name: told.sums("group", RESET)[name] for name in ("expected", "actual", "over", "committed")} == {
        "expected": 60,
        "actual": 50,
        "over": 20,
        "committed": 50,
    }


def test_of_a_killed_producer_only_what_it_sent_and_never_heard_of_is_unacked(told):
    acked = {value["offset"] for value in told.raws("ACK", KILLED)}
    sent = {value["correlationId"]: value["id"] for value in told.raws("SEND", KILLED)}
    there = {
        dict(message.headers())["correlationId"].decode(): message.offset()
        for message in messages(told.scenario.servers, KILLED)
    }
    assert len(acked) >= 40
    assert told.findings(KILLED).keys() == {
        f"unacked:{identity}:0:{there[name]}"
        for name, identity in sent.items()
        if name in there and there[name] not in acked
    }


def test_aborted_messages_are_unconsumed_and_possibly_aborted_but_never_lost(told):
    everything, committed = (told.scenario.offsets(ABORTED, f"read_{how}") for how in ("uncommitted", "committed"))
    aborted = everything - committed
    assert (len(aborted), len(committed)) == (10, 20)
    found = told.findings(ABORTED)
    assert found.keys() == {f"unconsumed:{ABORTED}:{ABORTED}:0:{offset}" for offset in aborted}
    assert {finding["cause"] for finding in found.values()} == {"possibly-aborted"}


@pytest.mark.parametrize("topic", [COMPACTED, EXACTLY_ONCE, FORWARDED, UNTRACED])
def test_what_is_as_it_should_be_has_no_verdict(told, topic):
    assert told.findings(topic) == {}


def test_what_compaction_takes_of_a_range_that_a_group_follows_is_neither_lost_nor_unconsumed(told):
    assert len(told.raws("ACK", SHRUNK)) == 40
    assert {value["offset"] for value in told.raws("CONSUME", SHRUNK)} == {0, *range(36, 51)}
    assert told.findings(SHRUNK) == {}


def test_there_are_no_verdicts_but_those(told):
    known = {REBALANCED, SOUGHT, RESET, KILLED, ABORTED}
    assert {finding["topic"] for finding in told.found.findings.values()} <= known


def test_a_group_that_commits_inside_transactions_is_said_to_have_none(told):
    records = [value for value in told.stats if (value["kind"], value.get("topic")) == ("group", EXACTLY_ONCE)]
    assert {value["commits"] for value in records} == {"none seen"}
    counts = told.sums("group", EXACTLY_ONCE)
    assert (counts["expected"], counts["actual"], counts["committed"]) == (15, 15, 0)


def test_an_untraced_producer_is_coverage(told):
    counts = told.sums("topic", UNTRACED)
    assert (counts["traced"], counts["offsets"], counts["unknownProduceTime"]) == (0, 20, 20)


def test_every_trace_is_accounted_for(told):
    counts = told.counts
    assert counts["received"] == len(told.raw)
    assert counts["received"] == counts["parsed"] + counts["dead_lettered"] + counts["not_followed"]
    assert counts["parsed"] == counts["emitted"] + counts["duplicates"]
    assert counts["dead_lettered"] == counts["evicted"] == 0
    assert {value["id"] for value in told.raw} <= told.found.traces.keys()


def test_a_message_is_explained_from_the_topics_in_kafka(told):
    read = told.raws("CONSUME", SOUGHT)[0]
    line = command("explain", f"{SOUGHT}/{read['partition']}/{read['offset']}", "--json", given=told.given)
    ended = subprocess.run(line, capture_output=True, text=True, timeout=120, check=True)
    explained = json.loads(ended.stdout)
    [message] = explained["messages"]
    assert (message["topic"], message["partition"], message["offset"]) == (SOUGHT, read["partition"], read["offset"])
    assert read["correlationId"] in message["correlationIds"]
    about = {name for name, found in told.findings(SOUGHT).items() if found.get("offset") == read["offset"]}
    assert about <= {found["id"] for found in explained["findings"]}
    assert about, "the group sought back, so it read this message twice"
