from tests.tracing_aggregator.explain.cases import at, found
from tracing_aggregator.demo import incidents
from tracing_aggregator.demo.incidents import QUIET_S, Incidents

AGAIN = [
    found("over-consumed", id=f"again-{offset}", groupId="shipping", offset=offset, date=at(offset), cause="rewind")
    for offset in range(30, 50)
]
REWIND = found("rewound", id="back", groupId="shipping", offset=29, fromOffset=50, date=at(60))


def known(*findings) -> Incidents:
    all_of_it = Incidents("explain {} -b k:1")
    all_of_it.take(findings)
    return all_of_it


def test_an_incident_is_told_when_it_has_stopped_growing_with_the_command_for_one_of_its_messages():
    shipping = known(*AGAIN)
    assert shipping.news(100.0) == []
    shipping.take([REWIND])
    assert shipping.news(100.0 + QUIET_S) == []
    [told] = shipping.news(100.0 + 2 * QUIET_S)
    assert told.text == "00:00:00 shipping went back 21 offsets in orders: 20 messages read again"
    assert told.command == "explain orders/0/30 -b k:1"
    assert shipping.news(200.0) == []


def test_one_that_grows_later_is_told_again():
    shipping = known(REWIND)
    shipping.news(0.0)
    assert len(shipping.news(QUIET_S)) == 1
    shipping.take(AGAIN[:1])
    assert shipping.news(10.0) == []
    [told] = shipping.news(10.0 + QUIET_S)
    assert told.text.endswith("1 message read again")


def test_the_summary_counts_those_that_are_open():
    shipping = known(REWIND, found("unacked", offset=1, date=at(0)))
    assert shipping.summary() == "2 open incidents"
    shipping.take([{"id": "unacked:subject", "reason": "unacked", "resolved": True}])
    assert shipping.summary() == "1 open incident"


def test_an_incident_without_a_message_has_no_command():
    shipping = known(REWIND)
    shipping.news(0.0)
    [told] = shipping.news(QUIET_S)
    assert told.command == ""


def test_of_very_many_findings_the_oldest_are_forgotten(monkeypatch):
    monkeypatch.setattr(incidents, "MOST_FINDINGS", 5)
    [incident] = known(*AGAIN).known
    assert incident.number == 5
