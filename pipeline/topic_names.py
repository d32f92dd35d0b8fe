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
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        return None
    if all(VALID_NAME.fullmatch(name) for name in names):
        return re.compile("|".join(map(re.escape, names)))
    return re.compile(text.strip())
