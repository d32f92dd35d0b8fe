"""The join alone: parser, packs and views as the steps use them, bundle after bundle, in one process."""

from collections.abc import Sequence

from bench.engine import Engine, join_views
from transforms.findings.findings import MINUTE_MS
from transforms.input.batch_parser import parse_traces
from transforms.input.records import KafkaRecord, KeyValue
from transforms.input.strict_parser import Refused
from transforms.input.traces import Trace
from transforms.state.waits import Waits

MAX_AHEAD_MS = 60_000


def parsed(raw: Sequence[KafkaRecord]) -> list[Trace]:
    """The traces in these records; what is none is left out."""
    found = parse_traces([one.value for one in raw], [one.timestamp for one in raw], MAX_AHEAD_MS)
    return [one for one in found if not isinstance(one, Refused)]


class CoreAlone(Engine):
    """See the head of this file. `aggregated` counts the aggregated traces."""

    def __init__(self) -> None:
        super().__init__(join_views(Waits()))
        self.aggregated = 0

    def run(self, raw: Sequence[KafkaRecord], bundle: int) -> None:
        """All of it, in bundles of so many traces; then a minute passes: no hold is left, and everything is judged."""
        for start in range(0, len(raw), bundle):
            self.feed(parsed(raw[start : start + bundle]))
            self.deliver()
        self.pass_time(raw[-1].timestamp + MINUTE_MS)

    def written(self, records: list[KeyValue]) -> None:
        """Records of the aggregated topic."""
        self.aggregated += len(records)
