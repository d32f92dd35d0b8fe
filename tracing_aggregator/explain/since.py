"""`--since`: a date, or how long ago."""

import re
from datetime import UTC, datetime, timedelta

from pipeline.errors import UserError

_AGO = re.compile(r"(\d{1,6})(s|m|h|d)", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def since_ms(text: str, now: datetime) -> int:
    """The instant in ms since the epoch.

    `text` is a date in ISO-8601, in UTC unless it says, or a time span before `now`: `90s`, `15m`, `2h`, `1d`.

    Raises UserError for anything else.
    """
    if match := _AGO.fullmatch(text):
        instant = now - timedelta(**{_UNITS[match[2]]: int(match[1])})
    else:
        try:
            instant = datetime.fromisoformat(text)
        except ValueError as error:
            raise UserError(
                f"--since {text} is neither a date nor a time span.", "Say --since 2026-01-31T12:00:00Z, or --since 2h."
            ) from error
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return int(instant.timestamp() * 1000)
