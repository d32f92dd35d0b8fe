"""Figures into docs/scale.md: tables, model, simulation, each between its marks, and charts beside it."""

from collections.abc import Callable, Mapping
from pathlib import Path

from bench.marks import Marks
from bench.scale import charts, skew, tables
from tracing_aggregator.sizing.answer import model_text
from tracing_aggregator.sizing.curves import Curve
from tracing_aggregator.sizing.model import Demand

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "scale.md"
CHARTS = DOCUMENT.parent / "figures" / "scale.svg"
#: The curves that a section is made of; those that have costs in them take COSTS.
COSTS = {"burst-groups", "burst-partitions", "core-groups", "core-retention"}
NEEDED: Mapping[str, set[str]] = {
    "curves": set(),
    "skew": {*COSTS, "burst-skew"},
    "lag": {"core-lag"},
    "lag on Flink": {"flink-lag"},
}
NOTHING = "Not measured yet.\n"
#: What the document shows of Zipf's skew.
SKEWED = {
    "messages_per_s": 45_000,
    "partitions": 256,
    "workers": 32,
    "groups": 1,
    "lags_s": (0.0,),
    "seconds": 30,
    "seed": 1,
}


def sections(curves: Mapping[str, Curve]) -> dict[str, str]:
    """What is written between which marks, as far as it was measured."""
    made: dict[str, Callable[[], str]] = {
        "curves": lambda: tables.all_curves(curves),
        "model": lambda: model_text(curves, Demand(1e6)),
        "model of an hour": lambda: model_text(curves, Demand(1e6, retention_s=3600)),
        "skew": lambda: skew.burst_check(curves),
        "zipf": lambda: skew.zipf_table(curves, **SKEWED),  # type: ignore[arg-type]
        "lag": lambda: skew.lag_check(curves),
        "lag on Flink": lambda: skew.flink_lag_check(curves),
    }
    return {name: make() if NEEDED.get(name, COSTS) <= curves.keys() else NOTHING for name, make in made.items()}


def written(text: str, curves: Mapping[str, Curve]) -> str:
    """The document with these figures. Raises ValueError where it has no marks for a section."""
    for name, section in sections(curves).items():
        text = Marks(name, "python -m bench.scale").filled(text, section)
    return text


def write(curves: Mapping[str, Curve], document: Path = DOCUMENT) -> None:
    """Document and charts."""
    document.write_text(written(document.read_text(encoding="utf-8"), curves), encoding="utf-8")
    document.parent.joinpath("figures", CHARTS.name).write_text(charts.svg(curves), encoding="utf-8")
