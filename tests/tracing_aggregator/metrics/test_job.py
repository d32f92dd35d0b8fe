import json
from typing import Any

import pytest

from pipeline.config.settings import Settings
from runners.flink.options import write_configuration
from runners.flink.rest import FlinkError, FlinkRest
from runners.state_folder import StateFolder
from tracing_aggregator.metrics import job
from tracing_aggregator.metrics.job import Checkpoint, Job, counters, families, look

MARK = ".tracing-aggregator_"
CHECKPOINTS = {
    "counts": {"failed": 2},
    "latest": {"completed": {"id": 7, "trigger_timestamp": 5000, "end_to_end_duration": 80, "state_size": 900}},
}


class FakeFlink(FlinkRest):
    """Answers by path; the address tells which one it is."""

    answers: dict[str, Any] = {}  # noqa: RUF012
    asked: list[str] = []  # noqa: RUF012

    def get(self, path: str) -> Any:
        FakeFlink.asked.append(f"{self.address}{path}")
        if path not in self.answers:
            raise FlinkError(path)
        return self.answers[path]


@pytest.fixture
def flink(monkeypatch) -> type[FakeFlink]:
    FakeFlink.answers, FakeFlink.asked = {}, []
    monkeypatch.setattr(job, "FlinkRest", FakeFlink)
    return FakeFlink


def a_job(flink: type[FakeFlink], state: str = "RUNNING", task: str = "RUNNING") -> None:
    path = "/jobs/j/vertices/t/subtasks/metrics"
    flink.answers |= {
        "/jobs/j": {"state": state, "start-time": 1000, "vertices": [{"id": "t", "status": task}]},
        "/jobs/j/checkpoints": CHECKPOINTS,
        path: [{"id": f"0.Parse{MARK}received"}, {"id": f"0.Parse{MARK}parsed"}, {"id": "numRecordsIn"}],
        f"{path}?agg=sum&get=0.Parse.tracing-aggregator_received,0.Parse.tracing-aggregator_parsed": [
            {"id": f"0.Parse{MARK}received", "sum": 12.0},
            {"id": f"0.Parse{MARK}parsed", "sum": 10.0},
        ],
    }


def settings(tmp_path: Any) -> Settings:
    return Settings(state_dir=tmp_path, application_id="app")


def test_the_embedded_job_is_found_by_the_configuration_of_its_flink(flink, tmp_path):
    a_job(flink)
    given = settings(tmp_path)
    configured = {"rest.port": "4711", "$internal.pipeline.job-id": "j"}
    write_configuration(StateFolder.of(given).configuration, configured)
    seen = look(given)
    assert seen == Job(
        "RUNNING",
        is_processing=True,
        started=1000,
        checkpoint=Checkpoint(5000, 80, 900),
        failed_checkpoints=2,
        counters={"received": 12, "parsed": 10},
    )
    assert all(address.startswith("localhost:4711/") for address in flink.asked)


@pytest.mark.parametrize("started", [False, True])
def test_there_is_no_job_before_flink_starts_and_after_it_has_ended(flink, tmp_path, started):
    given = settings(tmp_path)
    if started:
        write_configuration(
            StateFolder.of(given).configuration, {"rest.port": "4711", "$internal.pipeline.job-id": "gone"}
        )
    assert look(given) is None


def test_a_job_on_a_cluster_is_found_by_its_name(flink, tmp_path, monkeypatch):
    a_job(flink, task="DEPLOYING")
    monkeypatch.setattr(
        job, "running_job", lambda rest, name: "j" if (rest.address, name) == ("f:8081", "app") else None
    )
    seen = look(settings(tmp_path).model_copy(update={"flink_master": "f:8081"}))
    assert seen is not None
    assert not seen.is_processing


def test_a_name_with_a_comma_is_asked_for_alone(flink):
    path = "/jobs/j/vertices/t/subtasks/metrics"
    flink.answers = {
        path: [{"id": f"a,b{MARK}parsed"}, {"id": f"c{MARK}parsed"}],
        f"{path}?agg=sum&get=c.tracing-aggregator_parsed": [{"id": f"c{MARK}parsed", "sum": 1}],
        f"{path}?agg=sum&get=a%2Cb.tracing-aggregator_parsed": [{"id": f"a,b{MARK}parsed", "sum": 2}],
    }
    assert counters(FakeFlink("f"), "j", ["t"]) == {"parsed": 3}


def test_the_health_invariant_is_two_gauges():
    counts = {"received": 20, "parsed": 15, "dead_lettered": 2, "not_followed": 1, "emitted": 9, "duplicates": 1}
    values = shown(
        Job("RUNNING", is_processing=True, started=0, checkpoint=None, failed_checkpoints=0, counters=counts)
    )
    assert values["kafka_trace_aggregator_held_traces"] == 5
    assert values["kafka_trace_aggregator_unaccounted_traces"] == 2
    assert values["kafka_trace_aggregator_dead_lettered_traces_total"] == 2
    assert "kafka_trace_aggregator_last_checkpoint_timestamp_seconds" not in values


def test_what_is_held_is_not_shown_while_the_counters_of_steps_contradict_each_other():
    """Flink reads them at different moments: 5 parsed, and of these 6 emitted a moment later."""
    counts = {"received": 5, "parsed": 5, "emitted": 6}
    values = shown(
        Job("RUNNING", is_processing=True, started=0, checkpoint=None, failed_checkpoints=0, counters=counts)
    )
    assert "kafka_trace_aggregator_held_traces" not in values
    assert values["kafka_trace_aggregator_unaccounted_traces"] == 0


def test_checkpoints_are_in_seconds_and_bytes():
    values = shown(
        Job(
            "RUNNING",
            is_processing=True,
            started=0,
            checkpoint=Checkpoint(5000, 80, 900),
            failed_checkpoints=3,
            counters={},
        )
    )
    assert values["kafka_trace_aggregator_last_checkpoint_timestamp_seconds"] == 5
    assert values["kafka_trace_aggregator_last_checkpoint_duration_seconds"] == 0.08
    assert values["kafka_trace_aggregator_last_checkpoint_size_bytes"] == 900
    assert values["kafka_trace_aggregator_failed_checkpoints_total"] == 3


def test_without_a_job_all_that_is_said_is_that_none_runs():
    assert shown(None) == {"kafka_trace_aggregator_job_running": 0}


def shown(seen: Job | None) -> dict[str, float]:
    samples = [sample for family in families(seen, "here") for sample in family.samples]
    assert {json.dumps(sample.labels) for sample in samples} == {'{"cluster": "here"}'}
    return {sample.name: sample.value for sample in samples}
