"""Brings file, environment and command line together into one `Config`."""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.config import java_clients, streams_properties
from pipeline.config.config_sources import Entry, from_environment, from_file, from_overrides
from pipeline.config.java_clients import Client
from pipeline.config.references import PROVIDERS, looked_up, with_providers
from pipeline.config.settings import Settings, table
from pipeline.config.validation import validate
from pipeline.errors import ConfigError, UserError
from pipeline.masking import masked

# A dead letter holds the bytes of a record in base64: one of 1 MB, Kafka's usual limit, makes one of 1.4 MB.
DEAD_LETTER_BYTES = 2 << 20

SETTINGS = frozenset(table())
_KNOWN = SETTINGS | java_clients.ALL | streams_properties.EQUIVALENTS.keys() | streams_properties.WITHOUT_EFFECT.keys()
_PREFIXES = tuple(client.value for client in Client)

# Kafka client properties that the pipeline decides itself, and what decides them.
_DECIDED = {
    "enable.auto.commit": "offsets are committed once their records are safe",
    "group.id": "application.id names the consumer group",
    "key.deserializer": "records are read as bytes",
    "key.serializer": "records are written as bytes",
    "transactional.id": "delivery is at least once",
    "value.deserializer": "records are read as bytes",
    "value.serializer": "records are written as bytes",
}


@dataclass(frozen=True, repr=False)
class Config:
    """All configuration, parsed and valid.

    Attributes:
        settings: our own settings.
        kafka: Kafka client properties under their Java names, prefixes `consumer.`, `producer.`, `admin.` as given;
            what refers to a secret stays a reference.
        sources: where each given property came from.
        warnings: what was ignored, changed or looks mistyped; one sentence each, for stderr.
    """

    settings: Settings = field(default_factory=Settings)
    kafka: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        everything = {**self.settings.model_dump(by_alias=True), **self.kafka}
        return f"Config({ {name: masked(name, str(value)) for name, value in everything.items()} })"

    def consumer_properties(self) -> dict[str, str]:
        """Java properties of a consumer, in the group `application.id` and from the earliest offset unless told.

        It reads what is not committed too, as Java does and librdkafka does not: an aborted message is not a lost one.
        """
        return {
            "auto.offset.reset": "earliest",
            "isolation.level": "read_uncommitted",
            **self._client(Client.CONSUMER),
            "group.id": self.settings.application_id,
        }

    def producer_properties(self) -> dict[str, str]:
        """Java properties of a producer; unless told, a request may be large enough for any dead letter."""
        return {"max.request.size": str(DEAD_LETTER_BYTES), **self._client(Client.PRODUCER)}

    def admin_properties(self) -> dict[str, str]:
        """Java properties of an admin client."""
        return self._client(Client.ADMIN)

    def _client(self, client: Client) -> dict[str, str]:
        """What is meant for every client, then what is meant for this kind alone."""
        foreign = client.foreign()
        shared = {name: value for name, value in self.kafka.items() if not name.startswith(_PREFIXES)}
        own = {
            name.removeprefix(client.value): value
            for name, value in self.kafka.items()
            if name.startswith(client.value)
        }
        properties = {"bootstrap.servers": self.settings.bootstrap_servers, **shared, **own}
        return with_providers({name: value for name, value in properties.items() if name not in foreign})


def load_config(file: Path | None, environ: Mapping[str, str], overrides: Sequence[str]) -> Config:
    """Read the configuration; the environment overrides the file, and `overrides` override both.

    Args:
        file: a Java properties file, or None for the defaults.
        environ: the environment; variables `KAFKATRACE_*` count, upper case, underscores for dots.
        overrides: texts `key=value`.

    Raises:
        ConfigError: lists every mistake, each with its source and what to do.
    """
    entries: list[Entry] = []
    mistakes: list[str] = []
    readers: list[Callable[[], Iterable[Entry]]] = [
        lambda: from_file(file) if file else (),
        lambda: from_environment(environ, _environment_names()),
        lambda: from_overrides(overrides),
    ]
    for read in readers:
        try:
            for entry in read():
                entries.append(entry)  # noqa: PERF402 - those before a mistake count
        except ConfigError as error:
            mistakes += error.mistakes

    given, kafka, warnings = _sort(entries)
    given, unknown = _looked_up(given, environ)
    mistakes += unknown + _looked_up(kafka, environ)[1]
    settings, invalid = validate(given)
    if mistakes or invalid:
        raise ConfigError(mistakes + invalid, "All settings with their units: tracing-aggregator settings")
    return Config(
        settings=settings,
        kafka={name: entry.value for name, entry in kafka.items()},
        sources={name: entry.source for name, entry in {**given, **kafka}.items()},
        warnings=tuple(warnings),
    )


def _environment_names() -> Iterable[str]:
    return _KNOWN | {prefix + name for prefix in _PREFIXES for name in java_clients.ALL}


def _sort(entries: Iterable[Entry]) -> tuple[dict[str, Entry], dict[str, Entry], list[str]]:
    """Part entries into our settings, Kafka client properties and warnings; the last entry of a name counts."""
    equivalents: dict[str, Entry] = {}
    given: dict[str, Entry] = {}
    kafka: dict[str, Entry] = {}
    warnings: list[str] = []
    for name, value, source in entries:
        name = name.replace(streams_properties.MAIN_CONSUMER, Client.CONSUMER.value, 1)  # noqa: PLW2901
        bare = next((name.removeprefix(prefix) for prefix in _PREFIXES if name.startswith(prefix)), name)
        if name in SETTINGS:
            given[name] = Entry(name, value, source)
        elif equivalent := streams_properties.EQUIVALENTS.get(name):
            converted = equivalent.convert(value)
            equivalents[equivalent.setting] = Entry(equivalent.setting, converted, f"{source} ({name})")
            warnings.append(f"{source}: {name} is a Kafka Streams setting; taken as {equivalent.setting}={converted}")
        elif reason := _no_effect(name, bare):
            warnings.append(f"{source}: {name} has no effect here: {reason}")
        else:
            kafka[name] = Entry(name, value, source)
            if bare not in java_clients.ALL and not bare.startswith(f"{PROVIDERS}."):
                warnings.append(f"{source}: {_unknown(name)}")
    return {**equivalents, **given}, kafka, warnings


def _looked_up(given: Mapping[str, Entry], environ: Mapping[str, str]) -> tuple[dict[str, Entry], list[str]]:
    """Entries with what their references stand for, and a sentence about each reference that leads nowhere."""
    providers = {PROVIDERS: given[PROVIDERS].value} if PROVIDERS in given else {}
    found: dict[str, Entry] = {}
    mistakes: list[str] = []
    for name, entry in given.items():
        try:
            found[name] = entry._replace(value=looked_up({**providers, name: entry.value}, environ)[name])
        except UserError as error:
            mistakes.append(f"{entry.source}: {error.message} {error.todo}")
    return found, mistakes


def _no_effect(name: str, bare: str) -> str | None:
    if name.startswith(streams_properties.PREFIXES_WITHOUT_EFFECT):
        return "it belongs to a part of Kafka Streams that does not exist here"
    return streams_properties.WITHOUT_EFFECT.get(name) or _DECIDED.get(bare)


def _unknown(name: str) -> str:
    similar = difflib.get_close_matches(name, sorted(_KNOWN), n=1, cutoff=0.75)
    hint = f"; did you mean {similar[0]}?" if similar else ""
    return f"{name} is neither a setting nor a known Kafka client property; the Java clients get it as it is{hint}"
