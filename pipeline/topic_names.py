"""Names of topics, and the settings that choose topics by list or by regular expression."""

import re

VALID_NAME = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,249}")


def topic_pattern(text: str) -> re.Pattern[str] | None:
    """Compile a choice of topics; match names with `fullmatch`.

    Args:
        text: topic names separated by commas; or, as soon as one of them is no valid name, one regular expression.

    Returns:
        The pattern, or None for an empty text (no choice made).

    Raises:
        re.error: the regular expression does not compile.
    """
    if not text.strip():
        return None
    names = listed_topics(text)
    return re.compile("|".join(map(re.escape, names)) if names else text.strip())


def listed_topics(text: str) -> list[str]:
    """The topics that a choice names one by one; empty if it is a regular expression."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    return names if all(VALID_NAME.fullmatch(name) for name in names) else []


class Followed:
    """Says of a topic whether it is followed: included (by default all are) and not excluded."""

    def __init__(self, include: str, exclude: str) -> None:
        self._include = topic_pattern(include)
        self._exclude = topic_pattern(exclude)

    def __call__(self, topic: str) -> bool:
        """Is this topic followed?"""
        if self._include is not None and not self._include.fullmatch(topic):
            return False
        return self._exclude is None or not self._exclude.fullmatch(topic)


def followed(include: str, exclude: str) -> Followed | None:
    """The choice that `topics.include` and `topics.exclude` make; None when every topic is followed."""
    return Followed(include, exclude) if include.strip() or exclude.strip() else None
