"""Keeps secrets out of everything that is shown or logged."""

import re

from pipeline.config.references import is_reference

MASK = "***"
# `.key` ends the name of a key in itself; `limit.open.per.key` is a number, `private.key.file` a path.
_SECRET = re.compile(
    r"password|passphrase|secret|token|jaas|credential|\.pem$|\.headers$|(?<!\.per)\.key$", re.IGNORECASE
)
_LOGIN_IN_URL = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def is_secret(name: str) -> bool:
    """Whether the value of a property of this name is a secret."""
    return _SECRET.search(name) is not None


def masked(name: str, value: str) -> str:
    """The value of a property as it may be shown: secrets, and logins inside addresses, become `***`.

    A reference is no secret: it says where one is.
    """
    if value and is_secret(name) and not is_reference(value):
        return MASK
    return _LOGIN_IN_URL.sub(MASK, value)
