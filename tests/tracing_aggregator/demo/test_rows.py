from typing import Any

from tracing_aggregator.demo.rows import HEADINGS, line, row


def trace(**fields: Any) -> dict[str, Any]:
    valid = {
        "id": "an-id",
        "date": "2020-03-25T15:41:37.844039Z",
        "type": "CONSUME",
        "topic": "orders",
        "partition": 2,
        "offset": 17,
        "correlationId": "af8074bc-a042-46ef-8064-203fa26cd9b3",
        "clientId": "billing-1",
        "groupId": "billing",
        "durationMs": 36478,
        "deliveryCount": 1,
    }
    return {name: value for name, value in {**valid, **fields}.items() if value is not None}


def test_a_trace_is_one_line_below_the_headings():
    assert line(HEADINGS) == ("TIME (UTC)    TYPE     MESSAGE          GROUP       CLIENT          MS  ID")
    assert len(row(trace()).text) == 80
    assert row(trace()).text == ("15:41:37.844  CONSUME  orders/2/17      billing     billing-1    36478  af8074bc")
    assert not row(trace()).is_marked


def test_what_is_unknown_is_a_dash():
    alone = trace(type="SEND", partition=None, offset=None, groupId=None, durationMs=None, correlationId=None)
    assert row(alone).text == "15:41:37.844  SEND     orders           -           billing-1        -  -"


def test_a_place_that_is_too_long_is_not_cut():
    assert f"  {'t' * 249}/2/17  " in row(trace(topic="t" * 249)).text


def test_dates_of_any_precision_are_shown_in_milliseconds():
    for date, shown in (
        ("15:41:37Z", "15:41:37.000"),
        ("15:41:37.844Z", "15:41:37.844"),
        ("15:41:37.8Z", "15:41:37.800"),
    ):
        assert row(trace(date=f"2020-03-25T{date}")).text.startswith(f"{shown}  ")


def test_what_is_out_of_the_ordinary_is_marked():
    assert row(trace(deliveryCount=3)).text.endswith("af8074bc  over-consumed, delivery 3")
    assert row(trace(revision=2, withdrawn=True)).text.endswith("revision 2 withdrawn")
    assert row(trace(type="COMMIT", repeated=True)).text.endswith("repeated")
    assert row(trace(type="COMMIT", settledBy=0)).text.endswith("by commit of 0")
    assert row(trace(deliveryCount=3)).is_marked
