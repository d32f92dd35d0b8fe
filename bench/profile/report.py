"""Graphs and table of a profile: SVGs and shares in docs/figures/profile, the table in docs/performance.md."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from bench.profile.flame_graph import svg
from bench.profile.runs import Profile
from bench.profile.stacks import tree
from bench.profile.steps import JAVA, PYTHON, Steps

DOCUMENTS = Path(__file__).resolve().parent.parent.parent / "docs"
FIGURES = DOCUMENTS / "figures" / "profile"
#: Frames below this share of all samples are not drawn, steps below the other not told.
LEAST_DRAWN, LEAST_TOLD = 0.004, 0.005

#: By graph, the share of each step.
Shares = Mapping[str, Mapping[str, float]]


def draw(profile: Profile, folder: Path, label: str) -> Path:
    """Writes the graph; returns its file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{profile.name}-{label}.svg"
    title = f"{profile.title}, {profile.stacks.total()} samples"
    file.write_text(svg(title, tree(profile.stacks, LEAST_DRAWN), steps_of(profile.name)), encoding="utf-8")
    return file


def steps_of(name: str) -> Steps:
    """The rules for a graph of this name."""
    return JAVA if name.endswith("java") else PYTHON


def shares(profiles: Iterable[Profile]) -> dict[str, dict[str, float]]:
    """Share by step of each profile."""
    return {one.name: steps_of(one.name).shares(one.stacks) for one in profiles}


def keep(found: Shares, folder: Path, label: str) -> None:
    """Keeps the shares beside the graphs; those of graphs that were not made anew stay."""
    file = folder / f"{label}.json"
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    rounded = {name: {step: round(share, 4) for step, share in by_step.items()} for name, by_step in found.items()}
    file.write_text(json.dumps(known | rounded, indent=1) + "\n", encoding="utf-8")


def kept(folder: Path) -> dict[str, Shares]:
    """All shares that were kept, by label, `before` first."""
    files = sorted(folder.glob("*.json"), key=lambda file: (file.stem != "before", file.stem))
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


def markdown(by_label: Mapping[str, Shares]) -> str:
    """A table for each kind of process: share of CPU by step, one column a label."""
    parts: list[str] = []
    for name in dict.fromkeys(name for found in by_label.values() for name in found):
        labels = [label for label, found in by_label.items() if name in found]
        columns = [by_label[label][name] for label in labels]
        most = {step: max(column.get(step, 0) for column in columns) for column in columns for step in column}
        graphs = ", ".join(f"[{label}](figures/profile/{name}-{label}.svg)" for label in labels)
        parts += [f"\n**{name}**: {graphs}\n\n", _row("share of CPU", labels), _row("---", ["---:"] * len(labels))]
        for step in sorted(most, key=lambda step: -most[step]):
            if most[step] >= LEAST_TOLD:
                parts.append(_row(step, [f"{100 * column.get(step, 0):.1f} %" for column in columns]))
    return "".join(parts)


def _row(first: str, rest: Iterable[str]) -> str:
    return f"| {' | '.join([first, *rest])} |\n"
