"""Notes down, beside each checkpoint, offsets that it had reached: a new read must never start beyond its state."""

from contextlib import ExitStack
from typing import Self

from pipeline.config import Config
from pipeline.errors import UserError
from runners.flink_rest import FlinkError, FlinkRest
from runners.job_records import JobRecord
from runners.positions import committed, group_consumer
from runners.reads import Partitions
from runners.state_folder import StateFolder


class OffsetLog:
    """The notes of one job, kept in its record. A context manager: it holds a Kafka client."""

    def __init__(self, config: Config, found: Partitions, record: JobRecord, folder: StateFolder) -> None:
        self._found = found
        self._record = record
        self._folder = folder
        self._noted = 0
        self._stack = ExitStack()
        self._consumer = self._stack.enter_context(group_consumer(config))

    def note(self, rest: FlinkRest) -> int:
        """Notes the committed offsets for the newest checkpoint; returns its number, 0 before the first one.

        The offsets are asked for first: they are committed after a checkpoint, so they can only be older than it.
        """
        try:
            if rest.newest_checkpoint(self._record.job) == self._noted:
                return self._noted
            offsets = committed(self._consumer, self._found, patience_s=0)
            number = rest.newest_checkpoint(self._record.job)
        except (UserError, FlinkError):
            return self._noted  # the next look is soon
        self._record.note(number, offsets)
        self._record.save(self._folder.jobs)
        self._noted = number
        return number

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
