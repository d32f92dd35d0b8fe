from demo.totals import Totals, quantile


def test_the_line_is_complete_before_anything_has_come():
    assert str(Totals()) == (
        "SEND 0  ACK 0  CONSUME 0  COMMIT 0 | ACK p50 - p95 - ms | CONSUME p50 - p95 - ms | findings: none"
    )


def test_traces_are_counted_by_type_and_revisions_not_again():
    totals = Totals()
    totals.add_trace({"type": "SEND"})
    for duration in range(1, 101):
        totals.add_trace({"type": "ACK", "durationMs": duration})
    totals.add_trace({"type": "ACK", "durationMs": 5000, "revision": 2})
    totals.add_trace({"type": "CONSUME"})
    assert str(totals).startswith(
        "SEND 1  ACK 100  CONSUME 1  COMMIT 0 | ACK p50 50 p95 95 ms | CONSUME p50 - p95 - ms"
    )


def test_findings_are_counted_by_reason_until_they_are_resolved():
    totals = Totals()
    for reason in ("unacked", "over-consumed", "unacked"):
        totals.add_finding({"reason": reason})
    assert str(totals).endswith("findings: over-consumed 1, unacked 2")
    totals.add_finding({"reason": "over-consumed", "resolved": True})
    assert str(totals).endswith("findings: unacked 2")


def test_a_quantile_is_one_of_the_values():
    assert [quantile([7], percent) for percent in (50, 95)] == [7, 7]
    assert [quantile([4, 1, 3, 2], percent) for percent in (50, 95)] == [2, 4]
