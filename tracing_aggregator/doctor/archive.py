"""The archive: parts that are gathered one by one, each allowed to fail, with secrets taken out of all of them."""

import io
import tarfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

Mask = Callable[[str], str]


class Part(NamedTuple):
    """A file of the archive, and what makes its text."""

    name: str
    make: Callable[[], str]


def written(parts: Iterable[Part], file: Path, mask: Mask, tell: Callable[[str], None]) -> list[str]:
    """Write the archive; the names of the parts that could not be made, which hold the reason instead."""
    failed = []
    folder = file.name.partition(".")[0]
    with tarfile.open(file, "w:gz") as archive:
        for part in parts:
            tell(part.name)
            try:
                text = part.make()
            except Exception as error:  # noqa: BLE001  whatever it is, it belongs into the report
                failed.append(part.name)
                text = f"This could not be made: {type(error).__name__}: {error}\n"
            data = "\n".join(map(mask, text.split("\n"))).encode()
            entry = tarfile.TarInfo(f"{folder}/{part.name}")
            entry.size, entry.mtime, entry.mode = len(data), int(time.time()), 0o600
            archive.addfile(entry, io.BytesIO(data))
    return failed
