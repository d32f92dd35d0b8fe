"""`tracing-aggregator tail`: aggregated traces, or findings, as they are written."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from pipeline.config.load import Config
from pipeline.errors import UserError
from tracing_aggregator.cli.commands import examples
from tracing_aggregator.cli.options import config_options
from tracing_aggregator.demo import rows

if TYPE_CHECKING:
    from confluent_kafka import Consumer

TYPES = ("SEND", "ACK", "CONSUME", "COMMIT")
TIMEOUT_S = 15
POLL_S = 0.25
BATCH = 500
FINDING_HEADINGS = ("TIME (UTC)", "STATE", "REASON", "MESSAGE", "GROUP", "ID", "")
_FINDING_WIDTHS = (12, 8, 18, 15, 10, 8, 0)

Value = Mapping[str, Any]


class Filter(NamedTuple):
    """What is shown; an empty tuple: all."""

    topics: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    types: tuple[str, ...] = ()

    def fits(self, value: Value) -> bool:
        """Whether this trace or finding is one of them."""
        chosen = ((self.topics, "topic"), (self.groups, "groupId"), (self.types, "type"))
        return all(not names or value.get(field) in names for names, field in chosen)


@click.command(
    epilog=examples(
        "tracing-aggregator tail -b localhost:9092 --topic orders --type consume",
        "tracing-aggregator tail --anomalies --json | jq -r .payload",
    )
)
@config_options
@click.option("--topic", "topics", metavar="NAME", multiple=True, help="Only of this business topic; may be repeated.")
@click.option("--group", "groups", metavar="NAME", multiple=True, help="Only of this consumer group; may be repeated.")
@click.option(
    "--type", "types", multiple=True, type=click.Choice(TYPES, case_sensitive=False), help="Only such traces."
)
@click.option("--anomalies", is_flag=True, help="Findings instead of traces: what went wrong with which message.")
@click.option("--json", "as_json", is_flag=True, help="As JSON lines, in the envelope of `kcat -J`.")
def tail(
    config: Config,
    topics: tuple[str, ...],
    groups: tuple[str, ...],
    types: tuple[str, ...],
    anomalies: bool,
    as_json: bool,
) -> None:
    """Show aggregated traces as they are written, from now on, until Ctrl-C."""
    if anomalies and types:
        raise click.UsageError("--type is for traces; leave it out with --anomalies.")
    topic = config.settings.anomaly_topic if anomalies else config.settings.aggregated_topic
    chosen, show = Filter(topics, groups, types), printer(anomalies=anomalies, as_json=as_json)

    def begin() -> None:
        click.echo(waiting, err=True)
        if not as_json:
            click.secho(finding_line(FINDING_HEADINGS) if anomalies else rows.line(rows.HEADINGS), bold=True)

    waiting = f"Waiting for records on {topic} at {config.settings.bootstrap_servers}; Ctrl-C ends it."
    with suppress(KeyboardInterrupt):
        for key, payload in arrivals(config, topic, begin):
            value = _parsed(payload)
            if value is not None and chosen.fits(value):
                show(topic, key, payload, value)


def printer(*, anomalies: bool, as_json: bool) -> Callable[[str, bytes, bytes, Value], None]:
    """What shows a record: its topic, key, payload and parsed value."""
    from pipeline.envelope import to_line

    def json_line(topic: str, key: bytes, payload: bytes, _: Value) -> None:
        sys.stdout.buffer.write(to_line(topic, key, payload))
        sys.stdout.buffer.flush()

    if as_json:
        return json_line
    show = _show_finding if anomalies else _show_trace
    return lambda _topic, _key, _payload, value: show(value)


def _show_trace(value: Value) -> None:
    row = rows.row(value)
    click.secho(row.text, fg=rows.MARKED if row.is_marked else rows.COLOURS[row.kind], bold=row.is_marked)


def _show_finding(value: Value) -> None:
    click.secho(_finding(value), fg="green" if value.get("resolved") else "red")


def arrivals(config: Config, topic: str, begun: Callable[[], None]) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of each record that is written to the topic after `begun` was called, without end.

    Raises UserError when no broker answers, or there is no such topic.
    """
    from confluent_kafka import Consumer

    from pipeline.config.client_properties import to_librdkafka
    from runners.kafka.admin import Admin, talking_to_brokers

    known = Admin(config).client.list_topics(timeout=TIMEOUT_S).topics
    if topic not in known:
        raise UserError(
            f"There is no topic {topic} at {config.settings.bootstrap_servers}.",
            "Create it: tracing-aggregator topics; then aggregate: tracing-aggregator run",
        )
    properties: dict[str, Any] = to_librdkafka(config.consumer_properties())
    consumer = Consumer(properties | {"enable.auto.commit": False, "fetch.wait.max.ms": 100, "log_level": 0})
    try:
        with talking_to_brokers():
            _assign_ends(consumer, topic, sorted(known[topic].partitions))
            begun()
            while True:
                for message in consumer.consume(BATCH, POLL_S):
                    key, payload = message.key(), message.value()
                    if message.error() is None and isinstance(payload, bytes):
                        yield key if isinstance(key, bytes) else b"", payload
    finally:
        consumer.close()


def _assign_ends(consumer: "Consumer", topic: str, partitions: list[int]) -> None:
    """By offset, not by `OFFSET_END`: that is looked up later, and what is written until then would be missing."""
    from confluent_kafka import TopicPartition

    places = [TopicPartition(topic, number) for number in partitions]
    for place in places:
        _, place.offset = consumer.get_watermark_offsets(place, timeout=TIMEOUT_S)
    consumer.assign(places)


def finding_line(cells: tuple[Any, ...]) -> str:
    """Cells under FINDING_HEADINGS; one that is too long pushes the rest of its line, nothing is cut."""
    texts = (f"{cell!s:<{width}}" for cell, width in zip(cells, _FINDING_WIDTHS, strict=True))
    return "  ".join(texts).rstrip()


def _finding(value: Value) -> str:
    date = str(value.get("date") or value.get("lastDate") or "").partition("T")[2].rstrip("Z") or "-"
    place = value.get("topic", "-")
    if "offset" in value:
        place = f"{place}/{value.get('partition', '-')}/{value['offset']}"
    more = [
        *([f"cause: {value['cause']}"] if "cause" in value else []),
        *([f"{value.get('count', 0)} in this minute"] if value.get("summary") else []),
    ]
    return finding_line(
        (
            date[:12],
            "resolved" if value.get("resolved") else "open",
            value.get("reason", "-"),
            place,
            value.get("groupId", "-"),
            str(value.get("correlationId", "-"))[:8],
            ", ".join(more),
        )
    )


def _parsed(payload: bytes) -> Value | None:
    """What is no JSON object with an id is none of ours."""
    import orjson

    try:
        value = orjson.loads(payload)
    except ValueError:
        return None
    return value if isinstance(value, dict) and "id" in value else None
