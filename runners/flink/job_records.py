"""With what each job was made, written before it starts: a snapshot is only worth what is known about its job."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.config.settings import Settings, property_name
from pipeline.errors import UserError

FROZEN = ("readers", "locate_shards", "block_size", "flink_max_parallelism", "flink_state_backend")
"""The backend too: only canonical savepoints move between two, and those take minutes for large state."""
FORMAT = "state.format"
"""No setting: which form of the state this release writes, and the only one that it reads."""


@dataclass(frozen=True)
class JobRecord:
    """One job.

    Attributes:
        job: Flink's id of it.
        frozen: settings that its state is laid out by.
    """

    job: str
    frozen: dict[str, int | str]

    def save(self, folder: Path) -> None:
        """Writes it to `folder`, whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        fresh = folder / f"{self.job}.json.new"
        fresh.write_text(json.dumps(asdict(self), indent=1))
        fresh.replace(folder / f"{self.job}.json")

    @classmethod
    def of(cls, folder: Path, job: str) -> "JobRecord | None":
        """The record of a job, by its id or the beginning of it; None without a readable one, or without a name."""
        if not job:
            return None
        for file in folder.glob(f"{job}*.json"):
            try:
                return cls(**json.loads(file.read_text()))
            except (FileNotFoundError, ValueError, TypeError):
                continue
        return None

    @classmethod
    def all(cls, folder: Path) -> list["JobRecord"]:
        """All readable records, of the newest job first."""
        files = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
        return [record for file in files if (record := cls.of(folder, file.stem))]

    def require_layout_of(self, settings: Settings, snapshot: Path | str) -> None:
        """Raises `UserError` when the settings, or this release, do not fit the state of this job."""
        now = frozen_settings(settings)
        if (theirs := self.frozen.get(FORMAT, now[FORMAT])) != now[FORMAT]:
            raise UserError(
                f"The state in {snapshot} has format {theirs}, this release reads format {now[FORMAT]} only.",
                "Go on with the release that wrote it; or give up that state: set another application.id.",
            )
        changed = [f"{name}={now[name]} (was {was})" for name, was in self.frozen.items() if now.get(name, was) != was]
        if changed:
            raise UserError(
                f"The state in {snapshot} was made with other settings: {', '.join(changed)}. They are fixed with it.",
                "Set them back; or give up that state: set another application.id, or remove it and say --start-anew.",
            )


def frozen_settings(settings: Settings) -> dict[str, int | str]:
    """The settings that state is laid out by, under their property names, and the form of the state."""
    from transforms.state import journal  # with Beam, which takes a second

    return {property_name(name): getattr(settings, name) for name in FROZEN} | {FORMAT: journal.FORMAT}
