"""For tests: a shop's traffic of the last minutes, with one rewind, one lost message and a slow one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.tracing_aggregator.dashboard.stores import (
    ANOMALIES,
    PATHWAYS,
    STATS,
    TRACES,
    Made,
    group_minute,
    latencies,
    topic_minute,
)  # fmt: skip
from transforms.input.dates import date_of

Value = dict[str, Any]
MINUTE_MS = 60_000
MESSAGES = 60
#: The offset of the message that took longest, and of the one that was lost.
SLOW, LOST = 30, 17
REWOUND_FROM, REWOUND_TO = 50, 40


def shop(folder: Path, now_ms: int) -> Made:
    """`web-1` and `web-2` write a message a second to `orders`; `billing` and `shipping` read it.

    `billing` sends on to `payments`, which `accounting` reads.
    """
    made = Made(folder)
    start = now_ms - now_ms % MINUTE_MS - 2 * MINUTE_MS
    made.take(TRACES, (trace for offset in range(MESSAGES) for trace in _message(start, offset)))
    made.take(TRACES, (_again(start, offset) for offset in range(REWOUND_TO, REWOUND_FROM)))
    made.take(STATS, _statistics(date_of(start)))
    made.take(ANOMALIES, _findings(start))
    made.take(PATHWAYS, [_pathway(start)])
    made.take(STATS, [_skew(start)])
    return made


def name_of(offset: int) -> str:
    """The correlationId of the message at that offset."""
    return f"{offset:02d}e867aea9-4b1d-4c3e"


def _record(kind: str, at_ms: int, offset: int, topic: str = "orders", **known: Any) -> Value:
    place = {"topic": topic, "partition": 0, "offset": offset, "correlationId": name_of(offset)}
    reader = known.get("groupId", "")
    name = f"{kind}:{topic}:{offset}:{reader}:{known.get('deliveryCount', 1)}"
    return {"id": name, "type": kind, "date": date_of(at_ms), **place, **known}


def _message(start: int, offset: int) -> Iterator[Value]:
    at = start + 1000 * offset
    producer = {"clientId": f"web-{1 + offset % 2}"}
    yield _record("SEND", at, offset, **producer)
    yield _record("ACK", at + 5, offset, durationMs=5, **producer)
    if offset == LOST:
        return
    took = 9000 if offset == SLOW else 40
    for group in ("billing", "shipping"):
        reader = {"groupId": group, "clientId": f"{group}-1"}
        yield _record("CONSUME", at + took, offset, durationMs=took, deliveryCount=1, **reader)
        # The last messages are read by shipping, and not committed.
        if group == "billing" or offset < MESSAGES - 4:
            yield _record("COMMIT", at + took + 10, offset, durationMs=10, **reader)
    if offset % 2:
        yield _record("SEND", at + took + 20, offset, "payments", clientId="billing-out")
        yield _record("ACK", at + took + 25, offset, "payments", clientId="billing-out", durationMs=5)
        if offset < MESSAGES - 5:
            known = {"groupId": "accounting", "clientId": "accounting-1", "durationMs": 30, "deliveryCount": 1}
            yield _record("CONSUME", at + took + 50, offset, "payments", **known)


def _again(start: int, offset: int) -> Value:
    known = {"groupId": "shipping", "clientId": "shipping-1", "durationMs": 61_000, "deliveryCount": 2}
    return _record("CONSUME", start + 1000 * offset + 61_000, offset, **known)


def _statistics(minute: str) -> list[Value]:
    read = {"expected": MESSAGES, "actual": MESSAGES - 1, "under": 1, "verdicts": {"unconsumed": 1}}
    took = {"consumeLatencyMs": latencies(*[40] * (MESSAGES - 2), 9000)}
    edge = {"kind": "edge", "fromTopic": "orders", "groupId": "billing", "toTopic": "payments", "windowStart": minute}
    return [
        topic_minute(minute, produced=MESSAGES, sent=MESSAGES, acked=MESSAGES, ackLatencyMs=latencies(*[5] * MESSAGES)),
        group_minute(minute, "billing", committed=MESSAGES - 1, **read, **took),
        group_minute(minute, "shipping", over=REWOUND_FROM - REWOUND_TO, committed=MESSAGES - 5, **read, **took),
        topic_minute(minute, topic="payments", produced=28, sent=28, acked=28),
        group_minute(minute, "accounting", topic="payments", expected=28, actual=26),
        {**edge, "count": 28, "residenceMs": latencies(*[20] * 28), "fromOriginMs": latencies(*[60] * 28)},
    ]


def _findings(start: int) -> Iterator[Value]:
    lost = {"topic": "orders", "partition": 0, "offset": LOST, "correlationId": name_of(LOST)}
    lost |= {"date": date_of(start + 1000 * LOST), "clientId": f"web-{1 + LOST % 2}"}
    yield {"id": f"lost:orders:0:{LOST}", "reason": "lost", **lost}
    for group in ("billing", "shipping"):
        yield {"id": f"unconsumed:{group}:orders:0:{LOST}", "reason": "unconsumed", **lost, "groupId": group}
    reader = {"topic": "orders", "partition": 0, "groupId": "shipping", "clientId": "shipping-1"}
    at = start + 1000 * REWOUND_FROM + 60_000
    back = {"offset": REWOUND_TO, "fromOffset": REWOUND_FROM, "date": date_of(at)}
    yield {"id": "rewound:r", "reason": "rewound", **reader, **back}
    for offset in range(REWOUND_TO, REWOUND_FROM):
        again = {"offset": offset, "correlationId": name_of(offset), "date": date_of(start + 1000 * offset + 61_000)}
        known = {"deliveryCount": 2, "cause": "rewind"}
        yield {"id": f"over-consumed:{offset}", "reason": "over-consumed", **reader, **again, **known}


def _pathway(start: int) -> Value:
    hop = {"toTopic": "payments", "groupId": "billing", "sentAt": date_of(start + 60), "fromOriginMs": 60}
    origin = {"topic": "orders", "date": date_of(start)}
    return {"correlationId": name_of(1), "origin": origin, "hops": [hop], "complete": True, "revision": 1}


def _skew(start: int) -> Value:
    hour = date_of(start - start % 3_600_000)
    return {"kind": "clockSkew", "clients": ["web-1", "billing-1"], "windowStart": hour, "lowerMs": -12, "upperMs": -8}
