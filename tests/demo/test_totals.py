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
    for identity, reason in enumerate(["unacked", "over-consumed", "unacked", "unacked"]):
        totals.add_finding({"id": min(identity, 2), "reason": reason})
    assert str(totals).endswith("findings: over-consumed 1, unacked 2")
    totals.add_finding({"id": 1, "reason": "over-consumed", "resolved": True})
    assert str(totals).endswith("findings: unacked 2")


def test_a_summary_counts_for_all_that_it_sums_up_and_takes_the_place_of_the_one_before():
    totals = Totals()
    for count in (3, 7):
        totals.add_finding({"id": "summary", "reason": "unacked", "summary": True, "count": count})
    totals.add_finding({"id": "single", "reason": "unacked"})
    assert str(totals).endswith("findings: unacked 8")


def test_a_quantile_is_one_of_the_values():
    assert [quantile([7], percent) for percent in (50, 95)] == [7, 7]
    assert [quantile([4, 1, 3, 2], percent) for percent in (50, 95)] == [2, 4]
