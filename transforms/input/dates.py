"""Dates of traces: ISO-8601 in UTC with up to nine fraction digits, compared at full precision."""

from datetime import UTC, datetime
from functools import lru_cache

NANOS_PER_MILLI = 1_000_000
NANOS_PER_SECOND = 1_000_000_000
_SECOND_LENGTH = len("2020-03-25T15:41:01")
_LONGEST = len("2020-03-25T15:41:01.365287123Z")
#: By the length of a date, what its last digit counts.
_NANOS_PER_LAST_DIGIT: list[int] = [10 ** (_LONGEST - length) for length in range(_LONGEST + 1)]


@lru_cache(maxsize=4096)
def _seconds(second: str) -> int:
    """Epoch seconds of `2020-03-25T15:41:01`; neighbouring traces share their second, so this is mostly a look-up."""
    return int(datetime.strptime(second, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC).timestamp())


def nanos_of(date: str) -> int:
    """Nanoseconds since the epoch of a date such as `2020-03-25T15:41:01.365287Z`.

    Raises ValueError when it is not ISO-8601 in UTC with at most nine fraction digits.
    """
    length = len(date)
    if date[-1:] == "Z" and date.isascii():
        if length == _SECOND_LENGTH + 1:
            return _seconds(date[:-1]) * NANOS_PER_SECOND
        digits = date[_SECOND_LENGTH + 1 : -1]
        if length <= _LONGEST and date[_SECOND_LENGTH : _SECOND_LENGTH + 1] == "." and digits.isdigit():
            return _seconds(date[:_SECOND_LENGTH]) * NANOS_PER_SECOND + int(digits) * _NANOS_PER_LAST_DIGIT[length]
    raise ValueError(date)


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def date_of_nanos(nanos: int, digits: int) -> str:
    """The date of an instant in nanoseconds since the epoch, cut to so many fraction digits."""
    seconds, fraction = divmod(nanos, NANOS_PER_SECOND)
    return f"{_second(seconds)}.{f'{fraction:09d}'[:digits]}Z" if digits else f"{_second(seconds)}Z"


def duration_ms(start_nanos: int, end_nanos: int) -> int:
    """The time between two instants in whole milliseconds, truncated toward zero; negative when the clocks say so."""
    elapsed = end_nanos - start_nanos
    return elapsed // NANOS_PER_MILLI if elapsed >= 0 else -(-elapsed // NANOS_PER_MILLI)


def date_of(millis: int) -> str:
    """The date of an instant given in milliseconds since the epoch."""
    instant = datetime.fromtimestamp(millis // 1000, UTC).replace(microsecond=millis % 1000 * 1000)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
