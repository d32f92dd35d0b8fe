"""Curves of a machine that does not exist: round figures that grow as real ones do."""

from tracing_aggregator.sizing.costs import Costs
from tracing_aggregator.sizing.curves import Curve

COSTS = Costs(
    java_s=100e-6,
    python_s=100e-6,
    join_share=0.4,
    order_share=0.1,
    parse_share=0.2,
    locate_bytes=100,
    other_bytes=300,
    locate_weight=200,
    join_weight=3000,
    locate_facts=0.2,
    written_bytes=1000,
    raw_bytes=300,
    record_bytes=400,
    rebuild_s=20e-6,
)


def invented() -> dict[str, Curve]:
    """What costs, report and simulation read."""

    def curve(x: str, values: tuple[float, ...], **columns: float) -> Curve:
        grown = [
            {x: value, **{name: number * (1 + value / 10) for name, number in columns.items()}} for value in values
        ]
        return Curve(f"Invented, over {x}", x, grown, "a machine, load 1.0 at the end")

    cpu = {"Java CPU s per million": 100.0, "Python CPU s per million": 90.0}
    live = {"traces/s": 800.0, **cpu, "cores": 0.3, "p50 s": 0.2, "p95 s": 0.4, "Java MB": 900.0, "Python MB": 700.0}
    kinds = {
        f"{kind} {what}": 5.0
        for kind in ("parse", "locate", "order", "follow", "join", "stats")
        for what in ("bytes", "CPU s")
    }
    core = {
        "alive": 1000.0,
        "bytes per message": 400.0,
        **kinds,
        "CPU s per million": 40.0,
        "locate weight": 200.0,
        "join weight": 3000.0,
        "locate facts": 0.2,
        "join facts": 6.0,
        "rebuild µs per message": 20.0,
        "written bytes per message": 1000.0,
        "views per trace": 0.1,
        "raw bytes per trace": 300.0,
        "record bytes per trace": 400.0,
        "lagging CONSUMEs joined": 1.0,
    }
    full = {"traces/s": 9000.0, **cpu, "share of the busiest worker": 0.5}
    groups, partitions = (0, 1, 2, 4, 8), (1, 4, 16, 64)
    replay = {"traces/s without the start": 15_000.0, "CPU s per million": 60.0, "peak MB": 300.0}
    return {
        "burst-groups": curve("groups", groups, **full),
        "burst-partitions": curve("partitions", partitions, **full),
        "burst-skew": curve("share of one partition", (0.25, 0.8), **full),
        "core-groups": curve("groups", groups, **core),
        "core-lag": curve("lag / retention", (0, 0.5, 1.5), **core),
        "core-retention": curve("retention s", (300, 600, 2400), **core),
        "flink-groups": curve("groups", groups, **live),
        "flink-lag": Curve("Invented lag", "lag s", [{"lag s": 120, "lag / retention": 4, "joined": 0.0}], "a machine"),
        "flink-partitions": curve("partitions", partitions, **live),
        "flink-rate": Curve(
            "Invented, live", "traces/s", [{**live, "traces/s": rate} for rate in (50, 800)], "a machine"
        ),
        "flink-start": curve("messages", (0, 50_000), **{"running after s": 20.0, "first output after s": 25.0}),
        "replay-groups": curve("groups", groups, **replay),
        "replay-partitions": curve("partitions", partitions, **replay),
        "replay-traces": curve("traces", (25_000, 50_000), **replay),
    }
