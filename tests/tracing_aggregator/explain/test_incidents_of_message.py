from tests.tracing_aggregator.explain.cases import at, found
from tracing_aggregator.explain.incidents.of_message import incidents_of

AGAIN = [
    found("over-consumed", id=f"again-{offset}", groupId="shipping", offset=offset, date=at(offset), cause="rewind")
    for offset in range(30, 50)
]
REWIND = found("rewound", id="back", groupId="shipping", offset=29, fromOffset=50, date=at(60))


def test_a_message_that_was_read_again_belongs_to_the_rewind_with_all_that_it_did():
    [incident] = incidents_of(lambda: [*AGAIN, REWIND], AGAIN[3:4])
    assert incident.text == "shipping went back 21 offsets in orders: 20 messages read again"


def test_incidents_of_other_messages_are_left_out():
    other = found("unacked", id="other", offset=99, date=at(1))
    [incident] = incidents_of(lambda: [*AGAIN, REWIND, other], [other])
    assert incident.reason == "unacked"


def test_the_oldest_comes_first():
    first, second = found("unacked", id="1", date=at(1)), found("uncommitted", id="2", groupId="g", date=at(2))
    assert [one.reason for one in incidents_of(lambda: [second, first], [first, second])] == ["unacked", "uncommitted"]


def test_a_finding_without_a_date_is_an_incident_too():
    undated = found("unlinked", id="1")
    [incident] = incidents_of(lambda: [undated, *AGAIN], [undated])
    assert incident.reason == "unlinked"


def test_without_a_finding_nothing_is_read():
    def read():
        raise AssertionError

    assert incidents_of(read, []) == ()
