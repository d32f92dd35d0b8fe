"""One HTTP service that a sink writes to; answers sorted into done, again later, and a mistake to mend."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

import requests

from pipeline.errors import UserError
from pipeline.masking import masked
from tracing_aggregator.sinks.retry import TransientError

#: Seconds to connect, and between two bytes of the answer.
TIMEOUTS_S = (10, 60)
#: How much of an answer is shown.
EXCERPT = 300
#: Longest pause that we let the other side ask for, in s.
LONGEST_ASKED_S = 60.0

_LATER = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


class Refused(NamedTuple):
    """An answer that says that the request itself is not taken."""

    status: int
    text: str


class Service:
    """The service at `url`.

    Args:
        name: what it is called in messages.
        setting: prefix of its settings, to name them in messages.
        url: its address; a login inside it is used, and never shown.
        headers: sent with each request; they may be secret.
        auth: user and password.
        ca_file: PEM file of certificate authorities; empty: the usual ones.
    """

    def __init__(
        self,
        name: str,
        setting: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        ca_file: str = "",
    ) -> None:
        self.name = name
        self._setting = setting
        self._url = url
        self.shown = masked(f"{setting}.url", url)
        self._verify: str | bool = ca_file or True
        self._session = requests.Session()
        self._session.headers.update(headers or {})
        self._session.auth = auth

    def send(self, method: str, path: str, body: bytes, content_type: str, **headers: str) -> bytes | Refused:
        """The body of the answer, or that the request was refused (a 4xx that only the caller can judge).

        Raises:
            TransientError: no answer, or one that may be another later.
            UserError: no permission, or no trust in its certificate.
        """
        try:
            answer = self._session.request(
                method,
                self._url + path,
                data=body,
                headers={"Content-Type": content_type, **headers},
                timeout=TIMEOUTS_S,
                verify=self._verify,
                allow_redirects=False,
            )
        except requests.exceptions.SSLError as error:
            raise UserError(
                f"{self.name} at {self.shown} cannot be trusted: {_innermost(error)}.",
                f"Name who signed its certificate: -o {self._setting}.ca.file=FILE.pem",
            ) from error
        except OSError as error:
            if isinstance(error, requests.RequestException):
                raise TransientError(f"{self.name} at {self.shown} does not answer ({_innermost(error)})") from error
            raise UserError(f"{self._setting}.ca.file cannot be read: {error}.") from error
        return self._sorted(answer)

    def _sorted(self, answer: requests.Response) -> bytes | Refused:
        status, text = answer.status_code, answer.text[:EXCERPT]
        if answer.ok and status < HTTPStatus.MULTIPLE_CHOICES:
            return answer.content
        told = f"{self.name} at {self.shown} answers {status}"
        if status in _LATER:
            raise TransientError(told, _pause_s(answer.headers.get("Retry-After", "")))
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise UserError(f"{told}: {text}", f"docs/sinks.md has the permissions; the settings are {self._setting}.*")
        return Refused(status, text)


def _pause_s(retry_after: str) -> float | None:
    """Seconds; the other form of the header, a date, counts as not said."""
    return min(float(retry_after), LONGEST_ASKED_S) if retry_after.isascii() and retry_after.isdigit() else None


def _innermost(error: BaseException) -> str:
    """What the socket said, without the layers around it."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return str(error) or type(error).__name__
