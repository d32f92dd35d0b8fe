from pipeline.config.settings import Settings
from pipeline.io.topics_to_read import TopicsToRead


def read(names: list[str], **changes: str) -> list[str]:
    topics = TopicsToRead.of(Settings(**changes))
    return [name for name in names if topics.has(name)]


def test_business_topics_are_chosen_included_and_excluded_and_never_our_own_or_kafkas():
    names = ["_tracing", "orders", "old", "bills", "_aggregatedTrace", "_traceDeadLetter", "__consumer_offsets"]
    chosen = read(names, trace_topics=".*", topics_include="(o|_).*", topics_exclude="old")
    assert chosen == ["_tracing", "orders"]


def test_without_trace_topics_only_the_tracing_topic_is_read():
    assert read(["orders", "_tracing"]) == ["_tracing"]


def test_observed_topics_are_read_together_with_the_commits_of_all_groups():
    names = ["_tracing", "orders", "old", "bills", "_traceStats", "__consumer_offsets", "__transaction_state"]
    chosen = {"observe_topics": ".*", "topics_exclude": "old"}
    assert read(names, **chosen) == ["_tracing", "orders", "bills", "__consumer_offsets"]
    topics = TopicsToRead.of(Settings(**chosen))
    assert [name for name in names if topics.observes(name)] == ["orders", "bills"]
    assert not any(topics.links(name) for name in names)


def test_a_topic_may_give_links_and_be_observed():
    topics = TopicsToRead.of(Settings(trace_topics="orders", observe_topics="orders,bills"))
    assert (topics.links("orders"), topics.observes("orders")) == (True, True)
    assert (topics.links("bills"), topics.observes("bills")) == (False, True)
