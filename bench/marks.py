"""Parts of a document that programs write, between two lines that mark them."""

from pathlib import Path

END = "<!-- end -->"


def begin(command: str) -> str:
    """The line above what this command writes."""
    return f"<!-- begin: written by {command} -->"


def write_between(document: Path, command: str, text: str) -> None:
    """Put the text between the marks of this command. Raises ValueError where the document has no such marks."""
    before, mark, rest = document.read_text(encoding="utf-8").partition(begin(command))
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"{document} has no lines {begin(command)} and {END}")
    document.write_text(f"{before}{mark}\n{text}{end}{after}", encoding="utf-8")
