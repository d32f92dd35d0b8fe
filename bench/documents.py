"""Parts of a document that programs write, each between two lines that mark it."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import psutil  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ROOT / "docs"


class Marks(NamedTuple):
    """The lines around the part of this name, which `command` writes."""

    name: str
    command: str

    @property
    def begin(self) -> str:
        """The line above it."""
        return f"<!-- {self.name}: written by {self.command} -->"

    @property
    def end(self) -> str:
        """The line below it."""
        return f"<!-- end of {self.name} -->"

    def filled(self, text: str, part: str) -> str:
        """The text with this part between the marks. Raises ValueError where it has no such marks."""
        before, _, rest = text.partition(self.begin)
        _, end, after = rest.partition(self.end)
        if not end:
            raise ValueError(f"The document has no lines {self.begin} and {self.end}")
        return f"{before}{self.begin}\n{part}{end}{after}"

    def write(self, document: Path, part: str) -> None:
        """Put the part into the document. Raises ValueError where that has no such marks."""
        document.write_text(self.filled(document.read_text(encoding="utf-8"), part), encoding="utf-8")


def machine() -> str:
    """What it was measured on."""
    memory_mb = psutil.virtual_memory().total // 2**20
    return (
        f"{os.cpu_count()} cores, {memory_mb} MB, {platform.system()} {platform.release()}, Python "
        f"{platform.python_version()}, load {os.getloadavg()[0]:.1f} at the end, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    )
