"""Keeps the secrets of Kafka clients out of a job: what Beam and Flink keep, show and hand on holds references only."""

import os
from collections.abc import Mapping, MutableMapping
from dataclasses import replace

from pipeline.config.config_sources import ENVIRONMENT_PREFIX
from pipeline.config.load import Config
from pipeline.config.references import has_reference
from pipeline.masking import is_secret

_PREFIX = "TRACING_AGGREGATOR_"


def sealed(config: Config, environ: MutableMapping[str, str] = os.environ) -> Config:
    """The configuration with each secret moved to the environment, which the JVMs that we start inherit.

    Without it passwords would lie in savepoints, and in the job's graph, which Beam's job service tells whoever asks.
    """
    moved = {}
    for name in clear_secrets(config):
        variable = _PREFIX + name.upper().replace(".", "_")
        environ[variable] = config.kafka[name]
        moved[name] = f"${{env:{variable}}}"
    return replace(config, kafka={**config.kafka, **moved})


def by_variable(config: Config, environ: Mapping[str, str] = os.environ) -> Config:
    """The configuration with each secret that a `KAFKATRACE_` variable gave as a reference to that variable.

    For a job that is written here and runs where the same variables are set.
    """
    variables = {name: ENVIRONMENT_PREFIX + name.upper().replace(".", "_") for name in clear_secrets(config)}
    moved = {
        name: f"${{env:{variable}}}"
        for name, variable in variables.items()
        if environ.get(variable, "").strip() == config.kafka[name]
    }
    return replace(config, kafka={**config.kafka, **moved})


def clear_secrets(config: Config) -> list[str]:
    """The names of client properties that hold a secret themselves, rather than a reference to it."""
    return [name for name, value in config.kafka.items() if value and is_secret(name) and not has_reference(value)]
