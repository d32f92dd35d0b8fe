"""For tests: good traces, and records of every kind that are none."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from confluent_kafka import Producer

Record = tuple[bytes | None, bytes | None]
NOW = datetime.now(UTC)


def trace(**fields: Any) -> dict[str, Any]:
    """A valid CONSUME, unless `fields` say otherwise."""
    valid = {
        "id": "an-id",
        "type": "CONSUME",
        "date": date(0),
        "topic": "orders",
        "partition": 0,
        "offset": 7,
        "correlationId": "a-correlation-id",
        "clientId": "billing-1",
        "groupId": "billing",
    }
    return {**valid, **fields}


def date(seconds: float) -> str:
    return (NOW + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def good(messages: int) -> list[Record]:
    """All four traces of so many messages, each committed on its own."""
    found = []
    for offset in range(messages):
        place = {"partition": 0, "offset": offset}
        nowhere = {"partition": None, "offset": None, "groupId": None}
        name = f"message-{offset}"
        of_message = [
            {"type": "SEND", "correlationId": name, "clientId": "shop", **nowhere},
            {"type": "ACK", "correlationId": None, "clientId": "shop", "groupId": None, **place},
            {"type": "CONSUME", "correlationId": name, **place},
            {"type": "COMMIT", "correlationId": None, **place},
        ]
        for step, fields in enumerate(of_message):
            identity = {"id": f"{name}-{fields['type']}", "date": date(offset / 100 + step / 1000)}
            value = {key: fact for key, fact in trace(**fields, **identity).items() if fact is not None}
            found.append((None, json.dumps(value).encode()))
    return found


def without(field: str) -> dict[str, Any]:
    return {name: value for name, value in trace().items() if name != field}


def garbage() -> list[Record]:
    """Records that are no traces, each another way."""
    documents = [
        # A CONSUME without a group is a trace.
        *(without(field) for field in trace() if field != "groupId"),
        without("groupId") | {"type": "COMMIT"},
        trace(type="PEEK"),
        trace(type=None),
        trace(type=["CONSUME"]),
        trace(offset="7"),
        trace(offset=1.5),
        trace(offset=True),
        trace(offset=-2),
        trace(offset=10**18 * 10),
        trace(partition=2**31),
        trace(id=""),
        trace(id=12),
        trace(id="x" * 2000),
        trace(topic={"name": "orders"}),
        trace(date="yesterday"),
        trace(date=1585150861),
        trace(date="1999-12-31T23:59:59Z"),
        trace(date=date(7200)),
        trace(date="9999-12-31T23:59:59Z"),
        trace(note="x" * 20_000),
        [trace()],
        "CONSUME",
        7,
        None,
        {},
    ]
    return [
        *((b"a key", json.dumps(document).encode()) for document in documents),
        (None, None),
        (b"a key alone", None),
        (None, b""),
        (b"", b"not JSON"),
        (b"\xff\xfe", b"\x00\xff\xfe\x80"),
        (None, json.dumps(trace()).encode()[:-1]),
        (None, b'{"id": "\xff"}'),
        (None, b"[" * 5000),
        (None, b'{"id": NaN}'),
        (b"k" * 1000, b"x" * 300_000),
        (b"k" * 1000, bytes(range(256)) * 3600),
    ]


def write(servers: str, topic: str, records: list[tuple[int, Record]]) -> dict[tuple[int, int], Record]:
    """Writes (partition, record) pairs in order; the record at each (partition, offset)."""
    places: dict[tuple[int, int], Record] = {}
    failed = []
    producer = Producer({"bootstrap.servers": servers})
    for partition, record in records:

        def delivered(error, message, record=record) -> None:
            if error:
                failed.append(error)
            else:
                places[message.partition(), message.offset()] = record

        producer.produce(topic, record[1], record[0], partition=partition, on_delivery=delivered)
    assert producer.flush(30) == 0
    assert failed == []
    return places
