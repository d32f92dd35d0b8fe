from io import StringIO

import pytest
from rich.console import Console

from tests.tracing_aggregator.explain.cases import acked, committed, consumed, found, sent
from tracing_aggregator.explain.incidents.grouped import incidents
from tracing_aggregator.explain.screen import show
from tracing_aggregator.explain.subject import subject_of
from tracing_aggregator.explain.timeline import timeline

RECORDS = [
    sent(),
    acked(),
    consumed(),
    committed(settledBy=60),
    sent(86_400_000, topic="invoices"),
    sent(86_400_001, topic="invoices", partition=None, offset=None),
]
FINDINGS = [
    found("unconsumed", groupId="audit", deadline="2026-01-01T00:10:00.000Z"),
    found("over-consumed", groupId="x", cause="rebalance", resolved=True),
]


def shown(**console) -> str:
    screen = StringIO()
    show(Console(file=screen, highlight=False, **console), timeline(RECORDS, FINDINGS, subject_of("c")))
    return screen.getvalue()


# ruff: noqa: E501  lines as they are shown


def test_into_a_pipe_it_is_plain_text_with_one_line_per_step():
    assert (
        shown(width=40)
        == """\
correlationId c

orders/0/42  hop 1 of 2
  2026-01-01 (UTC)
  00:00:00.000             SEND    p1: sent
  00:00:00.012      +12 ms ACK     p1: 12 ms to the broker
  group billing
  00:00:03.200      +3.2 s CONSUME billing-1: 3.2 s until billing read it
  00:00:04.200      +4.2 s COMMIT  billing-1: 1.0 s until committed by the commit at offset 60
  group audit
                           GAP     group audit: not consumed (audit went past it; the deadline was 2026-01-01T00:10:00.000Z)

invoices/0/42  hop 2 of 2
  2026-01-02 (UTC)
  00:00:00.000        +1 d SEND    p1: sent, 23 h 59 min after billing read orders/0/42
                           GAP     no acknowledgement is known
                           GAP     no group is known to have read it

invoices, position unknown  hop 2 of 2
  2026-01-02 (UTC)
  00:00:00.001        +1 d SEND    p1: sent, 23 h 59 min after billing read orders/0/42
                           GAP     its position is not known: nobody is known to have read it yet

Findings
  resolved over-consumed: read again by the same group (orders/0/42, group x, cause: another client of the group took over)
  open     unconsumed: the group went past it without reading it (orders/0/42, group audit, deadline 2026-01-01T00:10:00.000Z)
"""
    )


@pytest.mark.parametrize("width", [24, 40, 80, 200])
def test_on_a_terminal_no_line_is_wider_than_it_and_no_word_is_lost(width):
    text = shown(width=width, force_terminal=True, no_color=True, color_system=None)
    assert all(len(line) <= width for line in text.splitlines())
    words = "".join(text.split())
    for part in ("hop2of2", "3.2suntilbillingreadit", "groupaudit:notconsumed", "deadline2026-01-01T00:10:00.000Z)"):
        assert part in words


def test_a_step_of_another_day_says_its_date():
    screen = StringIO()
    show(Console(file=screen), timeline([sent(), acked(90_000_000)], [], subject_of("orders/0/42")))
    assert "ACK     p1: 1 d 1 h to the broker (on 2026-01-02)" in screen.getvalue()


def test_the_incident_that_a_message_belongs_to_is_named_before_the_findings():
    screen = StringIO()
    back = found("rewound", groupId="billing", offset=41, fromOffset=61, date="2026-01-01T00:00:05.000Z")
    known = timeline([sent()], [back], subject_of("c"))
    show(Console(file=screen, width=80), known._replace(incidents=tuple(incidents([back]))))
    assert "\nIncident\n  open     2026-01-01 00:00:05 billing went back 20 offsets in orders\n\nFindings\n" in (
        screen.getvalue()
    )
