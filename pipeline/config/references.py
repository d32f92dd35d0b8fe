"""Values that name a secret instead of holding it, in the notation of Kafka's config providers (KIP-297, KIP-421).

| reference | stands for |
|---|---|
| `${env:NAME}` | a variable of the environment |
| `${file:/path/to/file:key}` | the value of a key in a properties file |
| `${dir:/path/to/folder:file}` | the whole content of a file, as Docker and Kubernetes mount secrets |

A Java client looks them up where it runs: a job's graph, its savepoints and Flink's pages hold the references. For
clients in Python, and for our own settings, `looked_up` does the same.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import javaproperties

from pipeline.errors import UserError

_PACKAGE = "org.apache.kafka.common.config.provider"
_PROVIDERS = {
    "env": f"{_PACKAGE}.EnvVarConfigProvider",
    "file": f"{_PACKAGE}.FileConfigProvider",
    "dir": f"{_PACKAGE}.DirectoryConfigProvider",
}
PROVIDERS = "config.providers"

# Kafka's own pattern, for these providers.
_REFERENCE = re.compile(r"\$\{(env|file|dir):(?:([^}]*?):)?([^}]*?)\}")


def has_reference(value: str) -> bool:
    """Whether a value names something that is kept elsewhere."""
    return _REFERENCE.search(value) is not None


def is_reference(value: str) -> bool:
    """Whether a value is nothing but a reference, which may be shown."""
    return _REFERENCE.fullmatch(value) is not None


def looked_up(properties: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The properties with what their references stand for. Holds secrets: never show it.

    Raises:
        UserError: there is no such variable, file or key; or only Java knows the provider.
    """
    own = {name.strip() for name in properties.get(PROVIDERS, "").split(",")} - {"", *_PROVIDERS}
    return {name: _looked_up(name, value, own, environ) for name, value in properties.items()}


def with_providers(properties: Mapping[str, str]) -> dict[str, str]:
    """Java properties that can look up their own references: with the names of Kafka's classes for it."""
    if not any(has_reference(value) for value in properties.values()):
        return dict(properties)
    given = [name.strip() for name in properties.get(PROVIDERS, "").split(",") if name.strip()]
    ours = {name: made for name, made in _PROVIDERS.items() if name not in given}
    return {
        **properties,
        PROVIDERS: ",".join([*given, *ours]),
        **{f"{PROVIDERS}.{name}.class": made for name, made in ours.items()},
    }


def _looked_up(name: str, value: str, own: set[str], environ: Mapping[str, str]) -> str:
    for provider in own:
        if f"${{{provider}:" in value:
            raise UserError(
                f"{name}: only Java's clients can ask the config provider {provider}, and some of ours are in Python.",
                f"Refer with one of {', '.join(_PROVIDERS)}: ${{file:/path/to/file:key}}",
            )

    def found(match: re.Match[str]) -> str:
        try:
            return _secret(match[1], match[2] or "", match[3], environ)
        except OSError as error:
            why = f"{error.filename}: {error.strerror}"
        except (LookupError, ValueError) as error:
            why = str(error.args[0]) if isinstance(error, LookupError) else "it is no such file"
        raise UserError(f"{name} refers to {match[0]}, which cannot be looked up: {why}.", "Correct it, or provide it.")

    return _REFERENCE.sub(found, value)


def _secret(provider: str, path: str, key: str, environ: Mapping[str, str]) -> str:
    """What one reference stands for; LookupError says why it stands for nothing."""
    if provider == "env":
        if key not in environ:
            raise LookupError(f"there is no variable {key} in the environment")
        return environ[key]
    if provider == "file":
        with Path(path).open(encoding="utf-8") as file:
            values = javaproperties.load(file)
        if key not in values:
            raise LookupError(f"{path} has no key {key}")
        return values[key]
    if Path(key).name != key:
        raise LookupError(f"{key} is no name of a file in {path}")
    text = (Path(path) / key).read_text(encoding="utf-8")
    if text.endswith(("\n", "\r")):
        # To Java it would be part of a password, which then is wrong for a reason that nobody sees.
        raise LookupError(f"{path}/{key} ends with a line break; write it without one: printf %s SECRET >FILE")
    return text
