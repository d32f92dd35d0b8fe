"""Keeps secrets out of everything that is shown or logged."""

import re

MASK = "***"
# `.key` ends the name of a key in itself; `limit.open.per.key` is a number, `private.key.file` a path.
_SECRET = re.compile(
    r"password|passphrase|secret|token|jaas|credential|\.pem$|\.headers$|(?<!\.per)\.key$", re.IGNORECASE
)
_LOGIN_IN_URL = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def masked(name: str, value: str) -> str:
    """The value of a property as it may be shown: secrets, and logins inside addresses, become `***`."""
    if value and _SECRET.search(name):
        return MASK
    return _LOGIN_IN_URL.sub(MASK, value)
