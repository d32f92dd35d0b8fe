from transforms.observe.groups_view import GroupsView
from transforms.observe.observe_facts import ClassicMembers, CommitsThere, EpochBegan, MemberChanged, MembersCounted
from transforms.state.addresses import OBSERVE, partition_key
from transforms.state.waits import Waits

NOW = 1_700_000_000_000
DAY = Waits().retention


def view() -> GroupsView:
    return GroupsView(b"billing", Waits())


def told(outputs) -> list[tuple[bytes, MembersCounted]]:
    assert {destination for destination, *_ in outputs.facts} <= {OBSERVE}
    return [(key, fact) for _, key, _, fact in outputs.facts]


def counted(partition: int, members: int, generation: int, sequence: int) -> tuple[bytes, MembersCounted]:
    return partition_key("orders", partition), MembersCounted("billing", members, generation, sequence)


def test_partitions_of_members_and_partitions_with_commits_hear_of_each_rebalance():
    group = view()
    assert told(group.on_facts([CommitsThere("orders", 3, NOW, 0)])) == []
    both = group.on_facts([ClassicMembers(2, 5, [("orders", 0)], NOW, 1)])
    assert told(both) == [counted(3, 2, 5, 1), counted(0, 2, 5, 1)]
    assert told(group.on_facts([ClassicMembers(1, 6, [("orders", 0)], NOW, 2)])) == [
        counted(3, 1, 6, 2),
        counted(0, 1, 6, 2),
    ]


def test_a_partition_that_comes_later_hears_of_the_members_and_the_others_hear_nothing():
    group = view()
    group.on_facts([ClassicMembers(2, 5, [("orders", 0)], NOW, 1)])
    assert told(group.on_facts([CommitsThere("orders", 0, NOW, 2), CommitsThere("orders", 1, NOW, 3)])) == [
        counted(1, 2, 5, 1)
    ]


def test_members_of_the_consumer_protocol_are_counted_one_by_one():
    group = view()
    group.on_facts([CommitsThere("orders", 0, NOW, 0)])
    joined = [
        MemberChanged("a", is_there=True, at=NOW, sequence=1),
        MemberChanged("b", is_there=True, at=NOW, sequence=2),
        MemberChanged("a", is_there=True, at=NOW, sequence=3),
    ]
    assert told(group.on_facts([*joined, EpochBegan(2, NOW, 4)])) == [counted(0, 2, 2, 4)]
    assert told(group.on_facts([MemberChanged("a", is_there=False, at=NOW, sequence=5)])) == [counted(0, 1, 2, 5)]


def test_a_record_that_was_seen_already_changes_nothing():
    group = view()
    group.on_facts([ClassicMembers(2, 5, [("orders", 0)], NOW, 7)])
    assert told(group.on_facts([ClassicMembers(1, 4, [("orders", 0)], NOW, 6)])) == []


def test_a_group_without_members_is_forgotten_after_retention_and_one_with_members_is_not():
    group = view()
    group.on_facts([ClassicMembers(1, 1, [], NOW, 1)])
    assert group.deadline() is None
    group.on_facts([ClassicMembers(0, 2, [], NOW, 2)])
    due = group.deadline()
    assert due is not None
    assert due >= NOW + DAY
    group.on_time(due)
    assert (group.size(), group.deadline()) == (0, None)


def test_a_view_comes_back_from_its_snapshot():
    group, again = view(), view()
    group.on_facts(
        [
            CommitsThere("orders", 0, NOW, 0),
            MemberChanged("a", is_there=True, at=NOW, sequence=1),
            EpochBegan(2, NOW, 4),
        ]
    )
    again.restore(group.snapshot())
    assert again.snapshot() == group.snapshot()
    assert told(again.on_facts([MemberChanged("a", is_there=False, at=NOW, sequence=5)])) == [counted(0, 0, 2, 5)]
