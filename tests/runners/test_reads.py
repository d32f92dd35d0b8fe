from pipeline.config import load_config
from runners.reads import _is_read, plan

FOUND = {"_tracing": 4, "orders": 2}


def config(*overrides: str):
    return load_config(None, {}, overrides)


def label(found=FOUND, policy="CreateTime", overrides=()) -> str:
    return plan(config(*overrides), found, policy).tracing.label


def test_a_read_has_the_group_and_never_commits_by_itself():
    consumer = plan(config("application.id=me"), FOUND, "CreateTime").tracing.consumer
    assert consumer["group.id"] == "me"
    assert consumer["enable.auto.commit"] == "false"
    assert consumer["auto.offset.reset"] == "earliest"


def test_the_same_plan_has_the_same_labels():
    assert plan(config(), FOUND, "CreateTime").labels == plan(config(), dict(FOUND), "CreateTime").labels


def test_whatever_a_restored_read_would_keep_changes_the_label():
    others = [
        label(found={**FOUND, "_tracing": 5}),
        label(policy="LogAppendTime"),
        label(overrides=["flink.parallelism=4"]),
        label(overrides=["bootstrap.servers=other:9092"]),
        label(overrides=["consumer.sasl.jaas.config=a"]),
    ]
    assert len({label(), *others}) == len(others) + 1


def test_a_new_business_topic_leaves_the_tracing_read_alone():
    before, after = (plan(config(), found, "CreateTime") for found in (FOUND, {**FOUND, "bills": 1}))
    assert before.tracing == after.tracing
    assert before.headers != after.headers


def test_headers_are_read_by_processing_time_and_only_where_there_is_a_topic():
    headers = plan(config(), FOUND, "CreateTime").headers
    assert headers is not None
    assert (headers.topics, headers.timestamp_policy) == (("orders",), "ProcessingTime")
    assert plan(config(), {"_tracing": 4}, "CreateTime").headers is None


def test_no_secret_shows_in_a_label():
    assert "s3cret" not in label(overrides=["consumer.ssl.key.password=s3cret"])


def test_business_topics_are_chosen_included_and_excluded_and_never_our_own():
    settings = config("trace.topics=.*", "topics.include=(o|_).*", "topics.exclude=old").settings
    names = ["_tracing", "orders", "old", "bills", "_aggregatedTrace", "_traceDeadLetter", "__consumer_offsets"]
    assert [name for name in names if _is_read(name, settings)] == ["_tracing", "orders"]


def test_without_trace_topics_only_the_tracing_topic_is_read():
    settings = config().settings
    assert not _is_read("orders", settings)
    assert _is_read("_tracing", settings)
