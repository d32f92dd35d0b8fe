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
