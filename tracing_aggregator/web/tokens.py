"""The tokens that let someone in: given as text or by reference, and read again while the server runs."""

import hmac
import os
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from pipeline.config.references import has_reference, looked_up
from pipeline.errors import UserError

_TOKEN = re.compile(r"[!-+\--~]{8,}")
#: A token that is kept elsewhere is looked up again after this time, in s.
_AGAIN_S = 5.0


def token_in(file: Path) -> str:
    """A reference to the token in this file, which is made with a random one if it is not there. Raises UserError."""
    file = file.expanduser().absolute()
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    except OSError as error:
        raise UserError(f"{file} cannot be made: {error.strerror}.", "Name another file with --token-file.") from error
    else:
        with os.fdopen(made, "w", encoding="ascii") as new:
            new.write(secrets.token_urlsafe(24))
    return f"${{dir:{file.parent}:{file.name}}}"


class Tokens:
    """Who may do all, and who may only read.

    Each is a text, or a reference such as `${file:/run/secrets/dashboard:token}`, which is looked up again every 5 s: a
    token is changed without a restart. Several tokens, separated by commas, are valid at once, the old and the new one
    for instance.

    Raises UserError: a token that is too short, or a reference that leads nowhere.
    """

    def __init__(
        self, admin: str | None, reader: str | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._named = {"token": admin or "", "read-token": reader or ""}
        self._clock = clock
        self._known = self._look()
        self._looked_at = clock()

    @classmethod
    def of(cls, admin: str | None, reader: str | None = None, file: Path | None = None) -> "Tokens | None":
        """Tokens, or None where none is asked for; `file` holds the first. Raises UserError as the class does."""
        if file is not None:
            if admin:
                raise UserError("There is a --token and a --token-file.", "Give one of them.")
            admin = token_in(file)
        if reader and not admin:
            raise UserError("--read-token alone lets nobody do the rest.", "Give a --token too.")
        return cls(admin, reader) if admin else None

    def lets(self, given: str, *, change: bool) -> bool:
        """Whether a request with this token may be answered; `change`: one that does more than read."""
        if not given:
            return False
        self._look_again()
        admins, readers = self._known
        allowed = admins if change else admins + readers
        # All of them are compared, so that the time tells nothing.
        return any([hmac.compare_digest(given.encode(), token.encode()) for token in allowed])  # noqa: C419

    def _look_again(self) -> None:
        if self._clock() - self._looked_at < _AGAIN_S or not any(map(has_reference, self._named.values())):
            return
        self._looked_at = self._clock()
        try:
            self._known = self._look()
        except UserError:
            return  # being written, perhaps: the tokens of before hold

    def _look(self) -> tuple[list[str], list[str]]:
        admin, reader = ([one for one in text.split(",") if one] for text in looked_up(self._named).values())
        if not admin or not all(_TOKEN.fullmatch(token) for token in admin + reader):
            raise UserError(
                "A token must have 8 characters or more, of ASCII, without blanks and commas.",
                f"For example: --token {secrets.token_urlsafe(18)}",
            )
        return admin, reader
