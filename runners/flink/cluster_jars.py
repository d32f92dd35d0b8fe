"""The jars that belong into the `lib` folder of a Flink cluster, beside its own."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from pipeline.config.settings import Settings
from runners.java.jars import resolve
from runners.java.loopback import loopback_jar
from runners.kafka_graph import NATIVE

THEIRS = (
    "org/apache/flink/",
    "org/slf4j/",
    "org/apache/logging/",
    # Flink has its own, inside its jar.
    "com/esotericsoftware/",
    "com/twitter/chill",
    "org/objenesis/",
    "org/hamcrest/",
)
"""What a Flink distribution has in versions of its own."""


#: The name of its folder: each plugin has one, and a class loader of its own.
PLUGIN = "s3-fs-hadoop"


def library(settings: Settings) -> list[Path]:
    """The jars, fetched if absent, and first the one that keeps Beam's servers on loopback.

    Raises `JarError` when one cannot be had.
    """
    cache = settings.jars_cache.expanduser()
    jars = resolve("beam" if settings.kafka_io == NATIVE else "java-io", cache, settings.jars_mirror)
    ours = [jar for jar in jars if not str(jar.relative_to(cache)).startswith(THEIRS)]
    return [loopback_jar(jars, cache, cache), *ours]


def copy_to(folder: Path, jars: Sequence[Path]) -> None:
    """Copies them into a folder, which is made if it does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    for jar in jars:
        shutil.copy2(jar, folder / jar.name)


def copy_plugin(plugins: Path, settings: Settings | None = None) -> list[Path]:
    """Copies Flink's S3 plugin below a folder of plugins, where Flink finds it; what was written."""
    cache, mirror = (settings.jars_cache.expanduser(), settings.jars_mirror) if settings else (None, "")
    jars = resolve("s3", cache, mirror)
    copy_to(plugins / PLUGIN, jars)
    return [plugins / PLUGIN / jar.name for jar in jars]
