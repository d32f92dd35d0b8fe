"""The demo as a whole: Kafka, traffic, the pipeline on embedded Flink and a view of what comes out.

Flink's JVM starts while Kafka does, and Beam is loaded meanwhile. Flink's own signal handling ends it all:
signal ─ savepoint ─ traffic, Flink and Kafka end; each JVM dies with this process in any case.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from threading import Event, Thread, Timer

from pipeline.config.load import Config
from pipeline.config.settings import Settings
from runners.flink.job_server import JobServer
from runners.java.find_java import find_java
from runners.java.jars import resolve
from runners.kafka.broker import Broker
from runners.kafka.topic_tail import TopicTail
from runners.state_folder import StateFolder
from runners.stop_signals import stop_request
from tracing_aggregator.demo.background_traffic import traffic
from tracing_aggregator.demo.page import METRICS_PORT, DashboardPage, Served, usual_or_free
from tracing_aggregator.demo.screen import Screen
from tracing_aggregator.traffic.groups import PAYMENTS
from tracing_aggregator.traffic.shops import ORDERS
from tracing_aggregator.traffic.simulation import make_topics

POLL_S = 0.1
ENDING = "ending the demo (the first time it takes longer, so that the next start is quick)"
QUICK_START = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
OWN = ("jars_cache", "jars_mirror", "java_home")


def settings_of(user: Settings, bootstrap_servers: str, folder: Path) -> Settings:
    """The demo has a cluster of its own, so of the user's settings only those of this machine's Java count."""
    return Settings().model_copy(
        update={
            **{name: getattr(user, name) for name in OWN},
            "bootstrap_servers": bootstrap_servers,
            "state_dir": str(folder / "state"),
            "metrics_port": usual_or_free(METRICS_PORT),
            # For a few messages a second one of each is enough, and starts sooner.
            "flink_parallelism": 1,
            "workers": 1,
            "flink_memory_mb": 512,
            "flink_state_backend": "hashmap",
            "checkpoint_interval_ms": 5_000,
            # Commits of one consumer reach us in order: no need to wait long for the others.
            "commit_reorder_ms": 1_000,
            # All there is to see, and verdicts as soon as someone looks at them: clients here are never minutes late.
            "trace_topics": f"{ORDERS},{PAYMENTS}",
            "trace_pathways": True,
            "pathway_quiet_ms": 5_000,
            "consumption_buffer_ms": 20_000,
            "stats_interval_ms": 2_000,
            **dict.fromkeys(("unacked_ms", "lost_ms", "unconsumed_ms", "uncommitted_ms"), 20_000),
        }
    )


def run(user: Settings, folder: Path, rate: float, duration_s: float | None, screen: Screen, served: Served) -> int:
    """Runs the demo with its data below `folder` until a signal, or for so many seconds; returns the exit code.

    Raises `UserError` when a part of it cannot be had or does not start.
    """
    screen.tell("Starting Kafka and Flink (10 to 30 s) …")
    jars = resolve("broker", Path(user.jars_cache).expanduser(), user.jars_mirror)
    broker = Broker(folder / "broker", jars=jars, java=find_java(user.java_home))
    config = Config(settings=settings_of(user, broker.bootstrap_servers, folder))
    state = StateFolder.of(config.settings)
    with state.hold(), stop_request(screen.tell, ENDING) as stop, ThreadPoolExecutor(1) as background:
        loaded = background.submit(import_module, "runners.flink.runner")
        with (
            JobServer(config.settings, state, quick_start(os.environ)) as server,
            broker,
            ended_together(broker.stop, server.process.stop),
        ):
            make_topics(config)
            page = DashboardPage(config, folder / "dashboard.sqlite", served)
            with traffic(config, rate, screen.tell, stop), watched(config, screen, stop, page):
                screen.tell(where_to_look(broker, config.settings, page))
                loaded.result()
                return aggregate(config, state, server, stop, screen, duration_s)


def quick_start(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment with `java_option` for a JVM of little work: compiling for speed would take longer than that."""
    return {**environ, "java_option": f"{QUICK_START} {environ.get('java_option', '')}"}


def aggregate(
    config: Config, state: StateFolder, server: JobServer, stop: Event, screen: Screen, duration_s: float | None
) -> int:
    """The pipeline on Flink, until `stop` is set; returns the exit code."""
    from runners.flink.embedded import Embedded
    from runners.flink.resume import candidates
    from runners.kafka_graph import kafka_graph

    if duration_s:
        timer = Timer(duration_s, stop.set)
        timer.daemon = True
        timer.start()
    return Embedded(config, kafka_graph(config, screen.tell), screen.tell, state, stop, server).run(
        candidates(config, state)
    )


@contextmanager
def ended_together(*stops: Callable[[], object]) -> Iterator[None]:
    """Calls all of these at once after the block: each may have seconds of work at its end."""
    try:
        yield
    finally:
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda stop: stop(), stops))


@contextmanager
def watched(config: Config, screen: Screen, stop: Event, page: DashboardPage) -> Iterator[None]:
    """Shows what the pipeline writes while the block runs. Sets `stop` when it cannot, a closed pipe for instance."""
    settings = config.settings
    ending, reader_is_gone = Event(), Event()

    def watch() -> None:
        try:
            screen.begin(settings, page.address)
            while not ending.is_set():
                arrivals = tail.records(POLL_S)
                if arrivals:
                    page.begin()
                screen.take(arrivals)
                screen.refresh()
        except BrokenPipeError:
            reader_is_gone.set()
        finally:
            stop.set()

    shown = [settings.aggregated_topic, settings.anomaly_topic, settings.stats_topic]
    with TopicTail(config) as tail:
        tail.assign(tail.ends(tail.places(shown)))
        watcher = Thread(target=watch, name="watch", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ending.set()
            watcher.join()
            page.end()
    if reader_is_gone.is_set():
        raise BrokenPipeError


def where_to_look(broker: Broker, settings: Settings, page: DashboardPage) -> str:
    """The addresses, and the commands to type."""
    servers = broker.bootstrap_servers
    dashboard = page.address if DashboardPage.can_be_had() else "needs: pip install '.[dashboard]'"
    return f"""
Dashboard  {dashboard}  (as soon as there are traces)
Metrics    http://{settings.metrics_host}:{settings.metrics_port}/metrics  (the same)
Kafka      {servers}  topics {ORDERS}, {PAYMENTS}; data in {broker.data_dir}

In another terminal:
  tracing-aggregator explain {ORDERS}/0/0 -b {servers}
  tracing-aggregator tail --anomalies -b {servers}
  kcat -C -b {servers} -t {settings.tracing_topic} -e -J | tracing-aggregator replay -
Ctrl-C ends it.
"""
