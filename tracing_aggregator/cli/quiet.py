"""Beam has warnings for its developers; what the user can mend is told otherwise."""

import logging


def quiet_beam() -> None:
    """Let Beam log errors alone. To be called before it is imported."""
    logging.getLogger().setLevel(logging.ERROR)
