"""Pairing of the SENDs and positions of one correlationId."""

from itertools import permutations

from transforms.locate.send_facts import CorrelatedSends, Link, Position, Send, SendFailed
from transforms.locate.send_pairing import pair


def any_send(identity: str, at: int = 0, client: str = "p") -> Send:
    return Send(identity, at * 10**6, 3, client, at, None)


def any_link(offset: int, at: int = 0, client: str | None = None, partition: int = 0) -> Link:
    """A link seen by a consumer, or acknowledged to `client`."""
    return Link(partition if offset >= 0 else -1, offset, at * 10**6, client, at)


def any_failure(identity: str, at: int) -> SendFailed:
    return SendFailed("topic", "x", identity, at * 10**6, 3, "p", at, None)


def paired(sends: list[Send], links: list[Link]) -> dict[str, Position]:
    """The pairs; they must be the same in any order of arrival."""
    results = []
    for order in list(permutations(links))[:24]:
        for arrived in (sends, sends[::-1]):
            known = CorrelatedSends()
            known.sends.extend(arrived)
            for link in order:
                known.add(link)
            results.append(pair(known).placed)
    assert all(result == results[0] for result in results)
    return results[0]


def test_one_send_and_one_position_belong_together_whatever_their_dates():
    assert paired([any_send("s", at=900)], [any_link(7, at=5)]) == {"s": Position(0, 7)}


def test_a_send_without_a_position_stays_open():
    assert paired([any_send("s")], []) == {}


def test_several_are_paired_in_order_of_date():
    sends = [any_send("late", at=30), any_send("early", at=10)]
    links = [any_link(5, at=90), any_link(8, at=50)]
    assert paired(sends, links) == {"early": Position(0, 8), "late": Position(0, 5)}


def test_ties_go_by_id_and_by_partition_and_offset():
    sends = [any_send("b"), any_send("a"), any_send("c")]
    links = [any_link(4, partition=1), any_link(9), any_link(2)]
    assert paired(sends, links) == {"a": Position(0, 2), "b": Position(0, 9), "c": Position(1, 4)}


def test_the_earliest_sight_of_a_position_counts():
    sends = [any_send("a", at=1), any_send("b", at=2)]
    links = [any_link(5, at=50), any_link(6, at=40), any_link(5, at=30)]
    assert paired(sends, links) == {"a": Position(0, 5), "b": Position(0, 6)}


def test_an_ack_pairs_first_with_the_earliest_send_of_its_client():
    sends = [any_send("p", at=1, client="p"), any_send("q1", at=2, client="q"), any_send("q2", at=3, client="q")]
    links = [any_link(5, at=10), any_link(6, at=20, client="q")]
    assert paired(sends, links) == {"q1": Position(0, 6), "p": Position(0, 5)}


def test_an_ack_is_never_for_a_send_that_came_after_it():
    sends = [any_send("late", at=50, client="q"), any_send("other", at=1, client="p")]
    assert paired(sends, [any_link(6, at=20, client="q")]) == {"other": Position(0, 6)}


def test_a_failure_is_about_the_earliest_send_before_it_and_leaves_the_next_ack_to_the_next_send():
    known = CorrelatedSends()
    known.sends += [any_send("again", at=5), any_send("failed", at=1)]
    known.add(any_link(4, at=6, client="p"))
    known.fail(any_failure("a", at=3))
    assert pair(known) == ({"again": Position(0, 4)}, {"failed": "a"})


def test_two_failures_are_about_two_sends_and_one_that_is_told_twice_about_one():
    known = CorrelatedSends()
    known.sends += [any_send("a", at=1), any_send("b", at=2)]
    assert [known.fail(any_failure(identity, at=3)) for identity in ("f1", "f1")] == [1, 0]
    assert pair(known) == ({}, {"a": "f1"})
    known.fail(any_failure("f2", at=4))
    assert pair(known) == ({}, {"a": "f1", "b": "f2"})


def test_an_ack_without_an_offset_is_no_position():
    assert paired([any_send("s", client="q")], [any_link(-1, at=3, client="p")]) == {}


def test_a_position_that_was_seen_before_the_send_is_passed_over_if_there_is_another():
    sends = [any_send("s", at=20)]
    assert paired(sends, [any_link(5, at=10), any_link(9, at=30)]) == {"s": Position(0, 9)}
    assert paired(sends, [any_link(5, at=10)]) == {"s": Position(0, 5)}


def test_two_acks_of_two_producers_at_one_place_and_time_pair_by_client_in_any_order():
    sends = [any_send("a", at=1, client="p"), any_send("b", at=2, client="q")]
    links = [any_link(7, at=9, client="q"), any_link(7, at=9, client="p")]
    assert paired(sends, links) == {"a": Position(0, 7)}


def test_a_known_counts_what_it_keeps_and_knows_links_again():
    known = CorrelatedSends()
    known.sends.append(any_send("s"))
    added = [
        known.add(link) for link in (any_link(1), any_link(1, at=9), any_link(1, client="p"), any_link(1, client="p"))
    ]
    assert added == [1, 0, 1, 0]
    assert known.facts() == 3
    assert len(known.links) == 2
