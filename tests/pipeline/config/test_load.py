import pickle
from pathlib import Path

import pytest

from pipeline.config.load import Config, load_config
from pipeline.config.settings import Settings
from pipeline.errors import ConfigError

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def properties(tmp_path):
    """Write a properties file."""

    def write(text: str) -> Path:
        file = tmp_path / "config.properties"
        file.write_text(text, encoding="iso-8859-1")
        return file

    return write


def mistakes_of(file: Path | None = None, environ: dict[str, str] | None = None, overrides: tuple[str, ...] = ()):
    with pytest.raises(ConfigError) as caught:
        load_config(file, environ or {}, overrides)
    return caught.value.mistakes


def test_without_anything_the_defaults_apply():
    assert load_config(None, {}, []) == Config()


def test_the_example_in_the_repository_is_valid_and_warns_of_nothing():
    config = load_config(REPOSITORY / "config/config.properties", {}, [])
    assert config.settings == Settings()
    assert config.sources.keys() == {"bootstrap.servers", "application.id"}
    assert config.warnings == ()


def test_the_environment_overrides_the_file_and_the_command_line_overrides_both(properties):
    file = properties("hold.send.ms=1\nhold.ack.ms=1\nhold.consume.ms=1")
    environ = {"KAFKATRACE_HOLD_ACK_MS": "2", "KAFKATRACE_HOLD_CONSUME_MS": "2", "PATH": "/bin"}
    config = load_config(file, environ, ["hold.consume.ms=3"])
    assert [config.settings.hold_send_ms, config.settings.hold_ack_ms, config.settings.hold_consume_ms] == [1, 2, 3]
    assert config.sources == {
        "hold.send.ms": f"{file}:1",
        "hold.ack.ms": "KAFKATRACE_HOLD_ACK_MS",
        "hold.consume.ms": "-o hold.consume.ms",
    }


def test_a_properties_file_is_read_as_java_reads_it(properties):
    file = properties("# comment\n! too\ncluster.name : M\\u00fcnchen\nbootstrap.servers=a:1,\\\n    b:2\nacks all\n")
    config = load_config(file, {}, [])
    assert config.settings.cluster_name == "München"
    assert config.settings.bootstrap_servers == "a:1,b:2"
    assert config.kafka == {"acks": "all"}
    assert config.sources["acks"] == f"{file}:6"


def test_unknown_environment_variables_become_client_properties_with_dots():
    environ = {"KAFKATRACE_SECURITY_PROTOCOL": "SSL", "KAFKATRACE_CONSUMER_MAX_POLL_RECORDS": "7"}
    config = load_config(None, environ, [])
    assert config.kafka == {"security.protocol": "SSL", "consumer.max.poll.records": "7"}
    assert config.warnings == ()


def test_an_environment_variable_recovers_a_name_that_has_an_underscore_itself():
    environ = {"KAFKATRACE_RACK_AWARE_ASSIGNMENT_NON_OVERLAP_COST": "1"}
    assert "rack.aware.assignment.non_overlap_cost" in load_config(None, environ, []).warnings[0]


def test_all_mistakes_are_told_at_once_each_with_its_source(properties):
    file = properties("hold.send.ms=soon\nrunner=spark\nacks=all\ntrace.topics=(\ntrace.pathways=maybe")
    environ = {"KAFKATRACE_COMMIT_REORDER_MS": "-1", "KAFKATRACE_BLOCK_SIZE": "0"}
    mistakes = mistakes_of(file, environ, ("stats.topic=_tracing", "nonsense", "anomaly.topic=a b"))
    assert {mistake.split(": ", 1)[0] for mistake in mistakes} == {
        f"{file}:1",
        f"{file}:2",
        f"{file}:4",
        f"{file}:5",
        "KAFKATRACE_COMMIT_REORDER_MS",
        "KAFKATRACE_BLOCK_SIZE",
        "-o nonsense",
        "-o anomaly.topic",
        "-o stats.topic",
    }
    text = "\n".join(mistakes)
    assert "hold.send.ms=soon must be a whole number" in text
    assert "runner=spark must be 'flink', 'direct' or 'prism'" in text
    assert "commit.reorder.ms=-1 must be 0 or more" in text
    assert "trace.pathways=maybe must be true or false" in text


@pytest.mark.parametrize(
    "wait", ["hold.send.ms", "hold.ack.ms", "hold.consume.ms", "hold.commit.ms", "unacked.ms", "commit.reorder.ms"]
)
def test_nothing_waits_longer_than_retention(wait):
    [mistake] = mistakes_of(overrides=(f"{wait}=86400001",))
    assert mistake == f"-o {wait}: retention.ms=86400000 is shorter than {wait}=86400001: raise it to 86400001 or more"


def test_a_value_that_is_invalid_itself_is_not_blamed_for_what_its_default_does():
    [mistake] = mistakes_of(overrides=("retention.ms=long", "hold.send.ms=86400001"))
    assert mistake == "-o retention.ms: retention.ms=long must be a whole number"


def test_a_file_that_is_not_there_is_one_mistake_among_others(tmp_path):
    mistakes = mistakes_of(tmp_path / "none.properties", overrides=("runner=x",))
    assert len(mistakes) == 2
    assert mistakes[0].startswith(f"{tmp_path}/none.properties: No such file")


def test_a_broken_escape_is_told_with_its_line(properties):
    [mistake] = mistakes_of(properties("a=1\nstate.dir=C:\\users\n"))
    assert ":2: " in mistake


def test_each_client_gets_what_is_meant_for_all_and_what_is_meant_for_it():
    overrides = ["client.rack=a", "acks=1", "linger.ms=5", "producer.linger.ms=9", "admin.client.id=x", "retries=3"]
    config = load_config(None, {}, [*overrides, "consumer.isolation.level=read_committed"])
    servers = {"bootstrap.servers": "localhost:9092", "retries": "3"}
    assert config.consumer_properties() == {
        **servers,
        "client.rack": "a",
        "isolation.level": "read_committed",
        "auto.offset.reset": "earliest",
        "group.id": "_aggregator-trace-stream",
    }
    assert config.producer_properties() == {**servers, "acks": "1", "linger.ms": "9", "max.request.size": "2097152"}
    assert config.admin_properties() == {**servers, "client.id": "x"}


def test_unless_told_otherwise_aborted_messages_are_read_too_whatever_the_client_s_own_default():
    assert load_config(None, {}, []).consumer_properties()["isolation.level"] == "read_uncommitted"


def test_the_start_of_a_new_group_can_be_chosen():
    config = load_config(None, {}, ["auto.offset.reset=latest"])
    assert config.consumer_properties()["auto.offset.reset"] == "latest"


@pytest.mark.parametrize(
    ("streams", "setting", "value"),
    [
        ("num.stream.threads=3", "flink.parallelism", 3),
        ("commit.interval.ms=30000", "checkpoint.interval.ms", 30_000),
        ("commit.interval.ms=100", "checkpoint.interval.ms", 1_000),
    ],
)
def test_a_kafka_streams_setting_with_an_equivalent_is_taken_as_that_and_said(streams, setting, value):
    config = load_config(None, {}, [streams])
    assert config.settings.model_dump(by_alias=True)[setting] == value
    assert f"taken as {setting}={value}" in config.warnings[0]


def test_a_setting_of_ours_wins_over_an_equivalent_given_later(properties):
    file = properties("flink.parallelism=5\nnum.stream.threads=3")
    assert load_config(file, {}, []).settings.flink_parallelism == 5


def test_a_mistake_in_a_kafka_streams_setting_is_told_under_its_own_name():
    [mistake] = mistakes_of(overrides=("num.stream.threads=two",))
    assert mistake.startswith(
        "-o num.stream.threads (num.stream.threads): flink.parallelism=two must be a whole number"
    )


@pytest.mark.parametrize(
    "name",
    [
        "processing.guarantee",
        "default.key.serde",
        "cache.max.bytes.buffering",
        "statestore.cache.max.bytes",
        "num.standby.replicas",
        "restore.consumer.max.poll.records",
        "topic.retention.ms",
        "group.id",
        "consumer.group.id",
        "enable.auto.commit",
    ],
)
def test_what_has_no_effect_here_is_said_dropped_and_never_fatal(name):
    config = load_config(None, {}, [f"{name}=x"])
    assert config.kafka == {}
    assert f"{name} has no effect here" in config.warnings[0]


def test_the_main_consumer_of_kafka_streams_is_our_consumer():
    assert load_config(None, {}, ["main.consumer.max.poll.records=9"]).kafka == {"consumer.max.poll.records": "9"}


def test_a_mistyped_name_gets_a_suggestion_and_goes_to_the_java_clients():
    config = load_config(None, {}, ["hold.sned.ms=5"])
    assert config.warnings[0].endswith("did you mean hold.send.ms?")
    assert config.kafka == {"hold.sned.ms": "5"}


def test_a_name_like_no_other_is_mentioned_without_a_suggestion():
    [warning] = load_config(None, {}, ["ianitrix.interceptor.foo=bar"]).warnings
    assert "did you mean" not in warning


def test_no_secret_is_in_the_repr_a_warning_or_a_mistake():
    overrides = ["sasl.jaas.config=sesame", "my.password=sesame", "jars.mirror=http://me:sesame@x", "runner=x"]
    config = load_config(None, {}, overrides[:-1])
    assert "sesame" not in repr(config) + "".join(config.warnings)
    assert "sesame" not in "".join(mistakes_of(overrides=tuple(overrides)))


def test_a_configuration_can_be_sent_to_workers():
    config = load_config(None, {}, ["acks=all", "hold.send.ms=7"])
    assert pickle.loads(pickle.dumps(config)) == config  # noqa: S301 - our own bytes


def test_a_configuration_error_survives_the_way_between_processes():
    error = ConfigError(["a", "b"], "do this")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - our own bytes
