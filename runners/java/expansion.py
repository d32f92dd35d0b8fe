"""The expansion service: a JVM that turns Beam's Kafka transforms into Java steps while a pipeline is built."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from runners.java.java_process import JavaProcess
from runners.ports import free_ports, listens

START_S = 120
MAIN = "org.apache.beam.sdk.expansion.service.ExpansionService"
# It lives for seconds: compiling for speed would take longer than the work.
QUICK_START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m")


@contextmanager
def expansion_service(java: Path, jars: Sequence[Path], log: Path) -> Iterator[str]:
    """Its address `localhost:port` for as long as the block runs; raises `JavaProcessError` if it does not start.

    The Java steps run in Flink's own JVM.
    """
    (port,) = free_ports(1)
    with JavaProcess(
        "The expansion service",
        java=java,
        jars=jars,
        main=MAIN,
        arguments=expansion_arguments(port, min(jars, key=lambda jar: jar.stat().st_size)),
        options=QUICK_START,
        fast_start=True,
        log=log,
    ) as process:
        process.wait_until(lambda: listens(port), START_S)
        yield f"localhost:{port}"


def expansion_arguments(port: int, staged: Path) -> list[str]:
    """Its command line. `staged` is sent to the runner with each Java step; left out, it would be all jars (200 MB)."""
    # On Flink the splittable read had a p50 of 3 s where the deprecated one has 0.5 s.
    return [
        str(port),
        "--defaultEnvironmentType=EMBEDDED",
        "--experiments=use_deprecated_read",
        f"--filesToStage={staged}",
    ]
