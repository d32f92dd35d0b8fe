"""Who may see the pages, and what a browser may do with them."""

from collections.abc import Awaitable, Callable, Collection
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tracing_aggregator.web.guesses import Guesses
from tracing_aggregator.web.peers import peer
from tracing_aggregator.web.tokens import Tokens

COOKIE = "tracing_aggregator_token"
#: Asked by probes and by Prometheus, without a token: they tell numbers, and no message, topic or client.
OPEN_PATHS = ("/healthz", "/metrics")

_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_ASKED = "A token is needed: send it as a bearer, or open the address of the dashboard with ?token=…\n"
_READS_ONLY = "This token only reads.\n"
_READS = {"GET", "HEAD"}


class Guard:
    """Middleware: every answer gets the headers above; where there are tokens, nobody gets in without one.

    The token comes as `Authorization: Bearer …`, or once as `?token=`, which becomes a cookie and leaves the address.
    Without tokens the server listens on loopback only, and then answers only to names of this machine: a foreign page
    cannot reach it by a name of its own that resolves to loopback.
    """

    def __init__(self, app: ASGIApp, tokens: Tokens | None, open_paths: Collection[str] = OPEN_PATHS) -> None:
        self._app = app
        self._tokens = tokens
        self._open = frozenset(open_paths)
        self._guesses = Guesses()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = self._refusal(scope)
        await (answer or self._app)(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> Response | None:
        """What to answer instead; None lets the request through."""
        headers = Headers(scope=scope)
        if self._tokens is None:
            if _is_loopback(headers.get("host", "")):
                return None
            return PlainTextResponse("This server answers to localhost only.\n", 421)
        if scope["path"] in self._open:
            return None
        return self._without_token(self._tokens, scope, headers)

    def _without_token(self, tokens: Tokens, scope: Scope, headers: Headers) -> Response | None:
        wait_s = self._guesses.wait_s(peer(scope))
        if wait_s:
            return PlainTextResponse("Too many wrong tokens.\n", 429, {"Retry-After": str(wait_s)})
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        sent, asked = [_bearer(headers), _cookie(headers)], [value for name, value in query if name == "token"]
        change = scope["method"] not in _READS
        if any(tokens.lets(one, change=change) for one in sent):
            return None
        for one in asked:
            if tokens.lets(one, change=change):
                return _to_cookie(scope, query, one)
        given = [one for one in (*sent, *asked) if one]
        if change and any(tokens.lets(one, change=False) for one in given):
            return PlainTextResponse(_READS_ONLY, 403)
        answer = PlainTextResponse(_ASKED, 401, {"WWW-Authenticate": "Bearer"})
        if given:
            self._guesses.wrong(peer(scope))
            # A browser would send it with each request, and so lock itself out.
            answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer


def _to_cookie(scope: Scope, query: list[tuple[str, str]], token: str) -> Response:
    """The same address without the token, which goes into a cookie; one for TLS alone where it came that way."""
    rest = urlencode([(name, value) for name, value in query if name != "token"])
    path = "/" + scope["path"].lstrip("/")
    answer = RedirectResponse(f"{path}?{rest}" if rest else path, 303)
    answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=scope["scheme"] == "https")
    return answer


def _bearer(headers: Headers) -> str:
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""


def _cookie(headers: Headers) -> str:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _is_loopback(host: str) -> bool:
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    return name in {"localhost", "127.0.0.1", "[::1]"}


def _with_headers(send: Send) -> Callable[[Message], Awaitable[None]]:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending
