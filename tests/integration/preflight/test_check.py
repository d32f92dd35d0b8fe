import re
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from confluent_kafka.admin import NewTopic

from runners.kafka.broker import Broker
from tests.integration.preflight.conftest import Grant
from tracing_aggregator.cli.main import main

pytestmark = [pytest.mark.integration, pytest.mark.broker]
KINDS = ("tracing", "aggregated", "anomaly", "dead", "stats")


def all_grants(name: str) -> list[Grant]:
    """Everything that a run needs."""
    return [
        Grant("READ", f"topic {name}-tracing"),
        Grant("DESCRIBE_CONFIGS", f"topic {name}-tracing"),
        Grant("WRITE", f"topic {name}-aggregated"),
        Grant("WRITE", f"topic {name}-anomaly"),
        Grant("WRITE", f"topic {name}-dead"),
        Grant("WRITE", f"topic {name}-stats"),
        Grant("READ", f"group {name}-group"),
        Grant("READ", f"topic {name}-orders"),
    ]


def advisable(name: str) -> Grant:
    """Without it a run works, and may accuse the compaction of that topic."""
    return Grant("DESCRIBE_CONFIGS", f"topic {name}-orders")


def check(file: str, *overrides: str) -> list[dict[str, Any]]:
    """The verdicts other than `ok`; the exit code must agree with them."""
    arguments = [argument for override in overrides for argument in ("-o", override)]
    shown = CliRunner().invoke(main, ["check", file, "--json", *arguments])
    verdicts = orjson.loads(shown.stdout)
    assert shown.exit_code == int(any(verdict["level"] == "problem" for verdict in verdicts))
    return [verdict for verdict in verdicts if verdict["level"] != "ok"]


def grants_in(todo: str) -> list[Grant]:
    """What the commands to type would grant."""
    grants = []
    for command in re.findall(r"kafka-acls\.sh .*", todo):
        [(kind, name)] = re.findall(r"--(topic|group) (\S+)", command)
        assert "--allow-principal User:alice" in command
        grants += [Grant(operation, f"{kind} {name}") for operation in re.findall(r"--operation (\S+)", command)]
    return grants


@pytest.fixture
def alice(cluster, name, config_file):
    """The configuration of a user without grants, in a cluster that has all topics."""
    shown = CliRunner().invoke(main, ["topics", config_file("admin")])
    assert shown.exit_code == 0, shown.output
    [created] = cluster.admin.create_topics([NewTopic(f"{name}-orders", 1, 1)]).values()
    created.result(30)
    return config_file("alice", trace_topics=f"{name}-orders")


def test_with_every_grant_there_is_no_problem(cluster, name, alice):
    cluster.grant("alice", *all_grants(name), advisable(name))
    assert check(alice) == []


def test_a_business_topic_that_hides_whether_it_is_compacted_is_worth_a_hint(cluster, name, alice):
    cluster.grant("alice", *all_grants(name))
    [advice] = check(alice)
    assert (advice["level"], advice["subject"]) == ("advice", f"topic {name}-orders")
    assert grants_in(advice["todo"]) == [advisable(name)]
    assert check(alice, "compacted.topics=other") == []


def test_to_observe_needs_the_topics_and_the_commits_of_all_groups(cluster, name, alice):
    cluster.grant("alice", *all_grants(name), advisable(name))
    observing = f"observe.topics={name}-orders"
    [problem] = check(alice, observing)
    assert (problem["level"], problem["subject"]) == ("problem", "topic __consumer_offsets")
    missing = Grant("READ", "topic __consumer_offsets")
    assert grants_in(problem["todo"]) == [missing]
    cluster.grant("alice", missing)
    assert check(alice, observing) == []


def test_an_observed_topic_that_is_not_there_is_a_problem(name, config_file):
    [problem] = [
        verdict for verdict in check(config_file("admin"), "observe.topics=absent") if "absent" in verdict["subject"]
    ]
    assert (problem["level"], problem["message"]) == ("problem", "does not exist")
    assert "observe.topics" in problem["todo"]


def test_pathways_need_leave_to_be_written(cluster, name, config_file):
    CliRunner().invoke(main, ["topics", config_file("admin", trace_pathways="true")])
    cluster.grant("alice", *all_grants(name))
    file = config_file("alice", trace_pathways="true")
    [problem] = check(file)
    assert grants_in(problem["todo"]) == [Grant("WRITE", f"topic {name}-pathway")]
    cluster.grant("alice", *grants_in(problem["todo"]))
    assert check(file) == []


def test_who_only_looks_needs_to_read_the_outputs_and_nothing_else(cluster, name, alice):
    outputs = [f"topic {name}-{kind}" for kind in ("aggregated", "anomaly")]
    cluster.grant("alice", *(Grant("READ", topic) for topic in outputs))
    shown = CliRunner().invoke(main, ["explain", "nothing", alice])
    assert (shown.exit_code, "Nothing is known of nothing" in shown.stderr) == (1, True)


@pytest.mark.parametrize("index", range(8), ids=[" ".join(grant) for grant in all_grants("t")])
def test_each_missing_grant_is_one_problem_and_what_it_says_to_type_mends_it(cluster, name, alice, index):
    missing = all_grants(name)[index]
    cluster.grant("alice", advisable(name), *(grant for grant in all_grants(name) if grant != missing))
    [problem] = check(alice)
    assert (problem["level"], problem["subject"]) == ("problem", missing.resource)
    assert missing in grants_in(problem["todo"])
    cluster.grant("alice", *grants_in(problem["todo"]))
    assert check(alice) == []


def test_a_new_cluster_without_an_authorizer_allows_everything_once_it_has_set_up_groups(tmp_path):
    with Broker(tmp_path / "broker") as broker:
        file = tmp_path / "config.properties"
        file.write_text(f"bootstrap.servers={broker.bootstrap_servers}\n", encoding="iso-8859-1")
        assert CliRunner().invoke(main, ["topics", str(file)]).exit_code == 0
        assert check(str(file)) == []


def test_without_any_grant_all_problems_come_at_once(name, alice):
    problems = check(alice)
    assert [problem["subject"] for problem in problems] == [
        f"topic {name}-tracing",
        f"topic {name}-aggregated",
        f"topic {name}-anomaly",
        f"topic {name}-dead",
        f"topic {name}-stats",
        f"topic {name}-orders",
        f"group {name}-group",
    ]
    needed = {grant for problem in problems for grant in grants_in(problem["todo"])}
    assert needed == set(all_grants(name))


def test_topics_matching_an_expression_must_be_readable(cluster, name, alice):
    cluster.grant("alice", *all_grants(name)[:-1], advisable(name), Grant("DESCRIBE", f"topic {name}-orders"))
    [problem] = check(alice, f"trace.topics={name}-o.*")
    assert (problem["subject"], problem["message"]) == (f"topic {name}-orders", "may not be used: READ")


def test_an_expression_that_matches_nothing_visible_is_worth_a_hint(cluster, name, alice):
    cluster.grant("alice", *all_grants(name)[:-1])
    [advice] = check(alice, f"trace.topics={name}-o.*")
    assert (advice["level"], advice["subject"]) == ("advice", "trace.topics")


def test_a_missing_topic_is_a_problem_with_the_command_that_creates_it(cluster, name, config_file):
    creatable = [Grant("CREATE", f"topic {name}-{kind}") for kind in KINDS]
    cluster.grant("alice", *all_grants(name), *creatable)
    file = config_file("alice", trace_topics=f"{name}-orders")
    problems = check(file)
    assert [problem["message"] for problem in problems] == ["does not exist"] * 6
    assert [problem["todo"] for problem in problems[:5]] == [f"tracing-aggregator topics {file}"] * 5
    assert "trace.topics" in problems[5]["todo"]


def test_a_missing_topic_that_may_not_be_created_comes_with_the_grant_too(cluster, name, config_file):
    cluster.grant("alice", *all_grants(name))
    problem, *_ = check(config_file("alice"))
    assert problem["message"].startswith("does not exist and cannot be created: ")
    assert grants_in(problem["todo"]) == [
        Grant(operation, f"topic {name}-tracing") for operation in ("CREATE", "DESCRIBE")
    ]


def test_a_tracing_topic_with_the_clients_time_works_and_comes_with_advice(cluster, name, config_file):
    [created] = cluster.admin.create_topics([NewTopic(f"{name}-tracing", 2, 1)]).values()
    created.result(30)
    CliRunner().invoke(main, ["topics", config_file("admin")])
    cluster.grant("alice", *all_grants(name))
    [advice] = check(config_file("alice"))
    assert advice["level"] == "advice"
    assert advice["message"] == "has message.timestamp.type=CreateTime, not LogAppendTime"


def test_a_compacted_topic_of_traces_is_a_problem_since_it_loses_some(cluster, name, config_file):
    compacted = NewTopic(f"{name}-aggregated", 1, 1, config={"cleanup.policy": "compact"})
    [created] = cluster.admin.create_topics([compacted]).values()
    created.result(30)
    CliRunner().invoke(main, ["topics", config_file("admin")])
    [problem] = check(config_file("admin"))
    assert (problem["level"], problem["message"]) == ("problem", "has cleanup.policy=compact, not delete")


def test_fewer_partitions_than_readers_are_worth_a_hint(name, config_file):
    file = config_file("admin")
    CliRunner().invoke(main, ["topics", file, "--partitions", "2"])
    [advice] = check(file, "flink.parallelism=3")
    assert (advice["level"], advice["subject"]) == ("advice", f"topic {name}-tracing")


def test_a_wrong_password_is_a_problem_that_shows_no_password(config_file):
    [problem] = check(config_file("alice", password="guess"))
    assert "Authentication failed" in problem["message"]
    assert "guess" not in str(problem)


def test_a_certificate_that_is_not_trusted_is_a_problem(config_file):
    [problem] = check(config_file("alice"), "ssl.truststore.location=")
    assert "refuse the connection" in problem["message"]
    assert "certificate" in problem["message"]
