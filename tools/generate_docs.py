"""Writes the generated parts of the documents, or with --check says which are out of date (exit code 1)."""

import subprocess
import sys
from pathlib import Path

import click

from tools.kibana_objects import ndjson
from tools.outputs_table import outputs_table
from tracing_aggregator.sizing.advice import table

ROOT = Path(__file__).parent.parent
VALUES = ROOT / "deploy" / "helm" / "sizes"
#: Messages a second, and hours that they are remembered for: what one machine can be bought for.
SIZES = {1_000: 6, 10_000: 1, 50_000: 1}


def documents() -> dict[Path, str]:
    """What each generated document should hold."""
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    text = _replaced(text, "graph", f"```mermaid\n{_output('graph')}```\n")
    text = _replaced(text, "outputs", outputs_table(ROOT / "docs" / "schemas"))
    guide = ROOT / "docs" / "operations.md"
    return {
        readme: text,
        guide: _replaced(guide.read_text(encoding="utf-8"), "sizes", table()),
        **{VALUES / f"values-{rate}.yaml": _values(rate, hours) for rate, hours in SIZES.items()},
        ROOT / "docs" / "settings.md": _output("settings", "--markdown"),
        ROOT / "deploy" / "kibana" / "kafka-tracing.ndjson": ndjson(),
    }


def _values(rate: int, hours: int) -> str:
    """Values of the chart for so many messages a second."""
    return _output("size", f"--messages-per-second={rate}", f"--retention-hours={hours}", "--values")


def _replaced(text: str, section: str, content: str) -> str:
    """The text with this content between the marks of a section."""
    start, end = f"<!-- {section}: made by `make docs` -->\n", f"<!-- end of {section} -->\n"
    head, rest = text.split(start)
    _, tail = rest.split(end)
    return f"{head}{start}\n{content}\n{end}{tail}"


def _output(*command: str) -> str:
    """What one of our commands prints."""
    program = [sys.executable, "-m", "tracing_aggregator.cli.main", *command]
    return subprocess.run(program, cwd=ROOT, check=True, capture_output=True, text=True, timeout=120).stdout


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def main(arguments: list[str]) -> int:
    """Write or check; the exit code."""
    check = "--check" in arguments
    stale = {path: text for path, text in documents().items() if _read(path) != text}
    for path, text in stale.items():
        name = path.relative_to(ROOT)
        if check:
            click.echo(f"{name} is out of date. Write it again: make docs", err=True)
        else:
            path.write_text(text, encoding="utf-8")
            click.echo(f"wrote {name}", err=True)
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
