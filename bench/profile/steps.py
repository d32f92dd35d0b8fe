"""Which step of the pipeline a stack belongs to: the innermost frame that a rule knows decides."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bench.profile.stacks import Stack

OTHER = "other"


class Rule(NamedTuple):
    """Frames that match belong to this step."""

    step: str
    frame: str


class Steps:
    """Rules in order: of those that match a frame the first holds."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = [(rule.step, re.compile(rule.frame)) for rule in rules]
        self._known: dict[str, str | None] = {}

    def of_frame(self, frame: str) -> str | None:
        """The step of one frame; None if no rule knows it."""
        if frame not in self._known:
            self._known[frame] = next((step for step, pattern in self._rules if pattern.search(frame)), None)
        return self._known[frame]

    def of_stack(self, stack: Stack) -> str:
        """The step of a stack."""
        return next((step for frame in reversed(stack) if (step := self.of_frame(frame)) is not None), OTHER)

    def shares(self, stacks: Mapping[Stack, int]) -> dict[str, float]:
        """The share of all samples in each step, the largest first."""
        counts: Counter[str] = Counter()
        for stack, count in stacks.items():
            counts[self.of_stack(stack)] += count
        whole = max(1, counts.total())
        return {step: count / whole for step, count in counts.most_common()}


PYTHON = Steps(
    [
        Rule("Python: collector of cycles", r"gc_collect|gc_collect_main"),
        Rule(
            "start: imports, building the graph",
            r"^imports$|apache_beam/(pipeline|typehints)|fn_api_runner/translations",
        ),
        Rule("snapshots", r"\bsnapshot\b|_message_events|Ledger\.rewrite"),
        Rule("parse", r"transforms/((parse_)?traces|\w+_parser|plain_dates|link_headers|dead_letters)\.py"),
        Rule("pack, unpack", r"transforms/(pack_by_key|packs|bundle_reach|addresses)\.py"),
        Rule(
            "judge, tally",
            r"transforms/(block_(judge|verdicts|tally)|findings\w*|latency_sketch|limit_findings|sla)\.py",
        ),
        Rule("forget", r"transforms/block_forget\.py"),
        Rule("write joined traces", r"transforms/(block_(review|output)|aggregated)\.py"),
        Rule("take in facts", r"transforms/(block(_view|_facts)?|settlement)\.py"),
        Rule(
            "place facts", r"transforms/(sends_view|send_\w+|flight\w*|cold_\w+|commit\w*|follower\w*|place_facts)\.py"
        ),
        Rule("statistics", r"transforms/(stats_\w+|keep_stats|find_end|drop_unripe)\.py"),
        Rule("state of views", r"transforms/(journal|keep_view|beam_state)\.py"),
        Rule("read", r"pipeline/(envelope\w*|sources|io/(?!write)\w+)\.py|transforms/record_batch\.py|confluent_kafka"),
        Rule("write", r"pipeline/(sinks|io/write_\w+|graph)\.py"),
        Rule("Beam: state", r"worker/statecache\.py|UserStateContext|StateHandler|BagRuntimeState|StateCache"),
        Rule("Beam: coders", r"coders|coder_impl|stream\.c"),
        Rule("Beam: counters, metrics", r"apache_beam/(metrics|internal/metrics)|monitoring_info"),
        Rule("gRPC, protobuf, threads", r"grpc|google/protobuf|upb|data_plane|queue\.py|threading\.py|thread_pool"),
        Rule("Beam: bundles and elements", r"apache_beam|operations\.c|common\.c|windowed_value\.c|worker/"),
    ]
)

JAVA = Steps(
    [
        Rule("JIT compiler", r"^\[C[12] Compiler"),
        Rule("collector of garbage", r"^\[(GC|G1|VM Thread|VM Periodic)"),
        Rule("Kafka client", r"^org/apache/kafka|^\[kafka-"),
        Rule("state", r"StateInternals|runtime/state/|StateRequest|BagUserState|StateService|StateBackend|rocksdb"),
        Rule("gRPC, protobuf", r"grpc|netty|protobuf"),
        Rule("coders, serialization", r"[cC]oder|[sS]erializ|WindowedValue|typeutils"),
        Rule("Flink: network buffers", r"flink/runtime/io/network|OutputFlusher"),
        Rule("Beam: Kafka source and sink", r"beam/sdk/io/kafka|UnboundedSource"),
        Rule("Beam: bundles and elements", r"org/apache/beam"),
        Rule("Flink: tasks, timers, checkpoints", r"org/apache/flink"),
    ]
)  # fmt: skip
