"""What stands in documents, alert rules and the dashboard exists; and the rules are what Prometheus accepts.

`promtool` judges the rules and the output where it is on the PATH. Where it is not, the rules are only parsed and held
against the fields that Prometheus documents, and their expressions against the names of our metrics.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

import orjson
import pytest
import yaml
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import CollectorRegistry

from pipeline.config.load import Config
from tests.tracing_aggregator.metrics.test_clocks import any_clocks
from tests.tracing_aggregator.metrics.test_health import any_job
from tests.tracing_aggregator.metrics.test_observed import any_record
from tests.tracing_aggregator.metrics.test_totals import Exported, any_edge, any_group, any_topic
from tracing_aggregator.dashboard import vitals
from tracing_aggregator.metrics import catalogue
from tracing_aggregator.metrics.catalogue import COUNTERS, HISTOGRAMS, JOB_COUNTERS, JOB_GAUGES, LABELS
from tracing_aggregator.metrics.clocks import Clocks
from tracing_aggregator.metrics.exporter import _Job, _Stats
from tracing_aggregator.metrics.health import Health
from tracing_aggregator.metrics.job import Checkpoint
from tracing_aggregator.metrics.lag import Lag, LagWatch
from tracing_aggregator.metrics.observed import ObservedLag
from transforms.state import counters

ROOT = Path(__file__).parents[3]
PROMETHEUS = ROOT / "deploy" / "prometheus"
ALERTS, ALERT_TESTS = PROMETHEUS / "alerts.yml", PROMETHEUS / "alerts_test.yml"
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "kafka-message-tracing.json").read_text(encoding="utf-8"))
DOCUMENT = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
METRICS = [
    *(metric for kinds in (COUNTERS, HISTOGRAMS) for metrics in kinds.values() for metric in metrics),
    *JOB_COUNTERS,
    *JOB_GAUGES,
    *(
        catalogue.UNDER,
        catalogue.IN_FLIGHT,
        catalogue.OPEN,
        catalogue.OPEN_OF_GROUP,
        catalogue.NEWEST_WINDOW,
        catalogue.FAILED_CHECKPOINTS,
    ),
    *(catalogue.STARTED, catalogue.LAG, catalogue.UNREAD),
    *(catalogue.CLOCK_PAIRS, catalogue.CLOCK_SKEW, catalogue.CLOCKS_SET),
    *(catalogue.OBSERVED_LAG, catalogue.OBSERVED_LAG_TIME, catalogue.OBSERVED_COMMIT),
]
EXPORTED = {metric.name for metric in METRICS}
#: Those of the dashboard itself too.
NAMES = EXPORTED | {name for _, name, _ in vitals.METRICS}
NAME = re.compile(r"\bkafka_trace_[a-z_]+")
PROMTOOL = shutil.which("promtool")
with_promtool = pytest.mark.skipif(PROMTOOL is None, reason="there is no promtool on the PATH")


def rules() -> list[dict]:
    return [rule for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]


def expressions() -> list[str]:
    panels = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]
    return [*panels, *(rule["expr"] for rule in rules())]


def exposition() -> bytes:
    health, exported = Health(10_000), Exported()
    health.note(any_job(checkpoint=Checkpoint(1, 2, 3)))
    exported.take(any_topic(verdicts={"lost": 1}), any_group(latencies=(5,), verdicts={"unconsumed": 1}), any_edge())
    clocks = Clocks()
    clocks.take(b"", orjson.dumps(any_clocks()))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Job(health, "c", 7.0))
    observed = ObservedLag(keep=1)
    observed.take(b"", orjson.dumps(any_record()))
    registry.register(_Stats(exported.totals, clocks, observed))
    lag = LagWatch(Config())
    lag._lag = Lag(3, 1)
    registry.register(lag)
    return generate_latest(registry)


def test_names_and_units_are_as_prometheus_wants_them():
    for kind in COUNTERS.values():
        assert all(metric.name.endswith("_total") for metric in kind)
    for kind in HISTOGRAMS.values():
        assert all(metric.name.endswith("_seconds") for metric in kind)
    assert len(EXPORTED) == len(METRICS)
    assert all(metric.help.endswith(".") for metric in METRICS)


def test_every_metric_is_exported_and_no_other():
    text = exposition().decode()
    assert set(re.findall(r"^# HELP (\S+)", text, re.MULTILINE)) == EXPORTED


def test_labels_are_only_those_whose_number_is_bounded():
    labels = set(re.findall(r'[{,]([a-z_]+)="', exposition().decode()))
    assert labels == {*LABELS["group"], *LABELS["edge"], "reason", "le"}


def test_the_counters_of_the_job_are_those_that_the_pipeline_declares():
    declared = {
        value.metric_name.name
        for name, value in vars(counters).items()
        if name.isupper() and hasattr(value, "metric_name")
    }
    assert {metric.field for metric in JOB_COUNTERS} == declared
    assert counters.NAMESPACE == catalogue.NAMESPACE


def test_every_metric_is_documented_and_no_other():
    assert set(NAME.findall(DOCUMENT)) - {"kafka_trace_aggregator_"} == NAMES


@pytest.mark.parametrize("expression", expressions())
def test_expressions_are_about_metrics_that_exist(expression):
    names = [re.sub(r"(_seconds)_bucket$", r"\1", name) for name in NAME.findall(expression)]
    assert names
    assert set(names) <= NAMES


def test_rules_have_the_fields_that_prometheus_knows_and_say_what_to_do():
    assert len({rule["alert"] for rule in rules()}) == len(rules())
    for rule in rules():
        assert rule.keys() - {"for", "keep_firing_for"} == {"alert", "expr", "labels", "annotations"}
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "0s"))
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"].keys() == {"summary", "description", "runbook"}
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"


def test_every_rule_has_a_test_in_which_it_fires_and_one_in_which_it_does_not():
    cases = yaml.safe_load(ALERT_TESTS.read_text(encoding="utf-8"))["tests"]
    tests = [test for case in cases for test in case.get("alert_rule_test", ())]
    for rule in rules():
        outcomes = {bool(test["exp_alerts"]) for test in tests if test["alertname"] == rule["alert"]}
        assert outcomes == {True, False}, rule["alert"]


def test_the_tests_of_the_rules_are_about_rules_that_exist():
    cases = yaml.safe_load(ALERT_TESTS.read_text(encoding="utf-8"))
    assert cases["rule_files"] == [ALERTS.name]
    named = {test["alertname"] for case in cases["tests"] for test in case.get("alert_rule_test", ())}
    assert named <= {rule["alert"] for rule in rules()}


@with_promtool
@pytest.mark.parametrize("arguments", [["check", "rules", str(ALERTS)], ["test", "rules", str(ALERT_TESTS)]])
def test_promtool_accepts_the_rules(arguments):
    ended = subprocess.run([str(PROMTOOL), *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@with_promtool
def test_promtool_finds_nothing_in_the_output():
    ended = subprocess.run(
        [str(PROMTOOL), "check", "metrics"], input=exposition(), capture_output=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


def test_the_dashboard_has_panels_in_no_others_place():
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
