"""Timers that fire by the clock and hold the watermark at a time of their own, and a step that needs nothing else.

Beam's protocol gives each timer both times. Its Python API takes the second from the element that sets the timer, in a
private attribute; a test fails when another Beam has it no more (`OutputTimer` in bundle_processor.py of Beam 2.70).
"""

from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import TimerSpec, on_timer
from apache_beam.utils.timestamp import Timestamp

from transforms.input.records import LATEST_TIMESTAMP


def set_with_hold(timer: Any, hold_ms: int, fire_s: float) -> None:
    """Let a timer of processing time fire at `fire_s` of the clock; event time stays at `hold_ms` until then."""
    timer._input_timestamp = Timestamp(micros=hold_ms * 1000)  # noqa: SLF001
    timer.set(Timestamp.of(fire_s))


class HoldFarTime(beam.DoFn):
    """Passes its one element on, and keeps the watermark at the year 2200 from then on.

    Impulse puts the watermark at the end of time, where Flink's runner ignores timers of processing time, which the
    steps below live by (StatefulDoFnRunner.isLate).
    """

    NEVER = TimerSpec("never", TimeDomain.REAL_TIME)

    def process(
        self, element: tuple[bytes, bytes], never: Any = beam.DoFn.TimerParam(NEVER)
    ) -> Iterator[tuple[bytes, bytes]]:
        """Set a timer that nobody lives to see."""
        set_with_hold(never, LATEST_TIMESTAMP, 10 * LATEST_TIMESTAMP / 1000)
        yield element

    @on_timer(NEVER)
    def on_never(self) -> None:
        """Nothing."""
