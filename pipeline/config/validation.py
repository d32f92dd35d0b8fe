"""Turns given properties into `Settings`, or into sentences about every mistake in them."""

import re
from collections.abc import Iterable, Mapping

from pydantic import ValidationError

from pipeline.config.config_sources import Entry
from pipeline.config.settings import Settings
from pipeline.masking import masked


def validate(given: Mapping[str, Entry]) -> tuple[Settings, list[str]]:
    """The settings, and every mistake in them: of single values first, then of values that do not fit together."""
    values = {name: entry.value for name, entry in given.items()}
    mistakes: list[str] = []
    while True:
        try:
            return Settings.model_validate(values), mistakes
        except ValidationError as error:
            wrong = [str(detail["loc"][0]) for detail in error.errors() if detail["loc"]]
            invalid = set(given) - set(values)
            mistakes += _sentences(error, given, invalid)
            values = {name: value for name, value in values.items() if name not in wrong} if wrong else {}


_SENTENCES = {
    "bool_parsing": "must be true or false",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "literal_error": "must be {expected}",
}


def _sentences(error: ValidationError, given: Mapping[str, Entry], invalid: Iterable[str]) -> Iterable[str]:
    for detail in error.errors():
        context = detail.get("ctx", {})
        if detail["loc"]:
            entry = given[str(detail["loc"][0])]
            reason = str(context.get("error", "")) or _SENTENCES.get(detail["type"], detail["msg"]).format(**context)
            yield f"{entry.source}: {entry.name}={masked(entry.name, entry.value)} {reason}"
            continue
        for sentence in str(context["error"]).splitlines():
            names = re.findall(r"[a-z][a-z.]*(?==)", sentence)
            # A default stands in for an invalid value: what it does not fit to is no mistake of the user.
            if not set(names) & set(invalid):
                sources = [given[name].source for name in names if name in given]
                yield f"{', '.join(sources)}: {sentence}"
