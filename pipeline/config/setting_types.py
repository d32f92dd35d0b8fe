"""Types of settings: what a value may be, and the sentence shown when it is not."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from pipeline.topic_names import VALID_NAME, topic_pattern

_SERVER = re.compile(r"(?:[\w+]+://)?(?:\[[0-9A-Fa-f:.]+\]|[\w.-]+):(\d{1,5})", re.ASCII)
_HIGHEST_PORT = 65535
_SLA_RULE = re.compile(r"([^/,=]+)/([^,]+)=(\d{1,12})", re.ASCII)
LOCAL_MASTER = "[local]"


def _name(text: str) -> str:
    if not VALID_NAME.fullmatch(text):
        raise ValueError("must be 1 to 249 letters, digits, dots, underscores or hyphens")
    return text


def _topics(text: str) -> str:
    try:
        topic_pattern(text)
    except re.error as error:
        raise ValueError(f"is neither topic names separated by commas nor a regular expression ({error})") from error
    return text


def _servers(text: str) -> str:
    for server in text.split(","):
        match = _SERVER.fullmatch(server.strip())
        if match is None or not 0 < int(match[1]) <= _HIGHEST_PORT:
            raise ValueError("must be host:port, several of them separated by commas")
    return text


def _master(text: str) -> str:
    if text != LOCAL_MASTER and not _SERVER.fullmatch(text):
        raise ValueError(f"must be {LOCAL_MASTER}, or host:port of a Flink cluster")
    return text


def _url(text: str) -> str:
    parts = urlsplit(text)  # raises ValueError itself for an address that is none
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be an address such as https://search.example:9200")
    return text.rstrip("/")


def _url_or_none(text: str) -> str:
    return _url(text) if text else text


def _instant(text: str) -> str:
    try:
        zone = datetime.fromisoformat(text).tzinfo if text else UTC
    except ValueError as error:
        raise ValueError("must be a date such as 2026-01-31T12:00:00Z") from error
    if zone is None:
        raise ValueError("must name its time zone, as Z or +01:00")
    return text


def _headers(text: str) -> str:
    header_pairs(text)
    return text


def header_pairs(text: str) -> dict[str, str]:
    """HTTP headers by name, of a text such as `Authorization=Bearer abc,X-Scope=a`.

    Raises ValueError for any other text, and does not repeat it: it is secret.
    """
    pairs = [part.partition("=") for part in text.split(",")] if text.strip() else []
    if not all(name.strip() and equals for name, equals, _ in pairs):
        raise ValueError("must be name=value, several of them separated by commas")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _sla(text: str) -> str:
    sla_rules(text)
    return text


def sla_rules(text: str) -> tuple[tuple[str, str, int], ...]:
    """The rules `(topic, group, ms)` of a text such as `orders/billing=500,*/audit=60000`.

    Raises ValueError for any other text.
    """
    rules = []
    for rule in text.split(",") if text.strip() else ():
        match = _SLA_RULE.fullmatch(rule.strip())
        if match is None:
            raise ValueError("must be rules such as orders/billing=500,*/audit=60000 (topic/group=ms)")
        rules.append((match[1], match[2], int(match[3])))
    return tuple(rules)


def _folder(path: Path) -> Path:
    """`~` is the home, and the usual places below it are where the XDG variables say."""
    for variable, usual in (("XDG_STATE_HOME", "~/.local/state"), ("XDG_CACHE_HOME", "~/.cache")):
        chosen = os.environ.get(variable, "")
        if chosen.startswith("/") and path.is_relative_to(usual):
            return Path(chosen) / path.relative_to(usual)
    return path.expanduser()


Millis = Annotated[int, Field(gt=0)]
MillisOrZero = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(gt=0)]
Port = Annotated[int, Field(ge=0, le=_HIGHEST_PORT)]
Host = Annotated[str, Field(min_length=1)]
Name = Annotated[str, AfterValidator(_name)]
Topics = Annotated[str, AfterValidator(_topics)]
Instant = Annotated[str, AfterValidator(_instant)]
Master = Annotated[str, AfterValidator(_master)]
Servers = Annotated[str, AfterValidator(_servers)]
Sla = Annotated[str, AfterValidator(_sla)]
Headers = Annotated[str, AfterValidator(_headers)]
Url = Annotated[str, AfterValidator(_url)]
UrlOrNone = Annotated[str, AfterValidator(_url_or_none)]
Folder = Annotated[Path, AfterValidator(_folder)]
