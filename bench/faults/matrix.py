"""One fault after the other: a window of traffic around each, then the judgement of all that came out of it."""

import time
from collections.abc import Iterator, Sequence

from bench.bed import PATIENCE_S, POLL_S, ClusterBed, cluster_bed
from bench.console import Say
from bench.faults.faults import Fault
from bench.faults.judge import Outcome, Row, duplicates, recovery
from bench.faults.messages import Messages
from bench.faults.traffic import Traffic
from bench.outputs import Outputs
from pipeline.config.settings import Settings

_NAMES = Settings()
TRACES, FINDINGS, LETTERS = _NAMES.aggregated_topic, _NAMES.anomaly_topic, _NAMES.dead_letter_topic
#: When what must be there is there, so long for what must not come.
QUIET_S = 12
#: Nobody ever writes to the last one.
PARTITIONS = 3
#: So short that deadlines pass in each window; holds are longer than any outage.
SETTINGS = {
    **dict.fromkeys(("hold.send.ms", "hold.ack.ms", "hold.consume.ms", "hold.commit.ms"), "240000"),
    "unacked.ms": "8000",
    "unconsumed.ms": "8000",
    "stats.interval.ms": "2000",
    "anomaly.burst": "100000",
    "retention.ms": "3600000",
    "checkpoint.interval.ms": "2000",
    "discovery.interval.ms": "2000",
    "flink.parallelism": "2",
}


def measure(
    faults: Sequence[Fault], *, rate: int, before_s: float, after_s: float, has_s3: bool, say: Say
) -> Iterator[Row]:
    """The rows, each as soon as it is there."""
    with (
        cluster_bed(SETTINGS, say, partitions=PARTITIONS, is_available=True, has_s3=has_s3) as bed,
        Outputs(bed.broker.bootstrap_servers, [TRACES, FINDINGS, LETTERS]) as outputs,
    ):
        for fault in faults:
            say(f"{fault.name}: {fault.what} …")
            row = _window(bed, outputs, fault, rate, before_s, after_s)
            say(f"{fault.name}: {row}")
            yield row


def _window(bed: ClusterBed, outputs: Outputs, fault: Fault, rate: int, before_s: float, after_s: float) -> Row:
    topic, start = f"during-{fault.name}", len(outputs)
    letters_before = Outcome(outputs.since(0), traces=TRACES, findings=FINDINGS, letters=LETTERS).letters
    messages = Messages(topic)
    with Traffic(bed.broker.bootstrap_servers, _NAMES.tracing_topic, messages, rate) as traffic:
        time.sleep(before_s)
        at = time.time_ns()
        letters = fault.do(bed, traffic) or 0
        bed.wait(bed.is_processing, "the job did not come back")
        bed.wait(lambda: recovery(outputs.since(start), TRACES, at) is not None, "nothing came out")
        time.sleep(after_s)

    def judged() -> Row:
        seen = outputs.since(start)
        outcome = Outcome(seen, traces=TRACES, findings=FINDINGS, letters=LETTERS)
        told, must = outcome.open_of(topic), messages.expected.findings
        return Row(
            fault.name,
            fault.what,
            traces_in=len(messages.expected.traces),
            traces_out=outcome.present(messages.expected),
            lost=len(outcome.lost(messages.expected)),
            duplicates=duplicates(seen, TRACES),
            letters_in=letters,
            letters_out=Outcome(outputs.since(0), traces=TRACES, findings=FINDINGS, letters=LETTERS).letters
            - letters_before,
            findings=len(must),
            missing=len(must - told),
            false=len(told - must),
            recovery_s=recovery(seen, TRACES, at) if fault.stops else None,
        )

    deadline = time.monotonic() + PATIENCE_S
    while not judged().is_well and time.monotonic() < deadline:
        time.sleep(10 * POLL_S)
    time.sleep(QUIET_S)
    return judged()
