"""TLS, the access log, and requests beyond the limit."""

import logging
import ssl
import threading

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bench.dashboard.background import running
from pipeline.errors import UserError
from tests.tracing_aggregator.web.certificates import self_signed
from tracing_aggregator.web.access_log import AccessLog
from tracing_aggregator.web.busy import Busy
from tracing_aggregator.web.server import Tls


def here(_):
    return PlainTextResponse("here")


def test_it_speaks_tls_with_the_certificate_it_is_given(tmp_path):
    cert, key = self_signed(tmp_path)
    with running(Starlette(routes=[Route("/", here)]), tls=Tls.of(cert, key)) as port:
        trusting = ssl.create_default_context(cafile=cert)
        assert httpx.get(f"https://localhost:{port}/", verify=trusting).text == "here"
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"http://localhost:{port}/")


def test_a_certificate_without_its_key_is_refused(tmp_path):
    cert, key = self_signed(tmp_path)
    with pytest.raises(UserError, match="needs a certificate and its key"):
        Tls.of(cert, None)
    key.write_text("no key")
    with pytest.raises(UserError, match="is no certificate with its key"):
        Tls.of(cert, key)
    assert Tls.of(None, None) is None


def test_requests_beyond_the_limit_are_told_to_come_again_and_probes_are_answered():
    entered, leave = threading.Event(), threading.Event()

    def slow(_):
        entered.set()
        leave.wait(20)
        return PlainTextResponse("done")

    routes = [Route("/slow", slow), Route("/", here), Route("/healthz", here)]
    app = Starlette(routes=routes, middleware=[Middleware(Busy, limit=1, free=("/healthz",))])
    with running(app) as port:
        address = f"http://127.0.0.1:{port}"
        first = threading.Thread(target=httpx.get, args=(f"{address}/slow",), kwargs={"timeout": 30})
        first.start()
        assert entered.wait(20)
        refused = httpx.get(address)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert httpx.get(f"{address}/healthz").status_code == 200
        leave.set()
        first.join(20)
        assert httpx.get(address).status_code == 200


def test_the_access_log_tells_who_asked_for_what_and_no_secret(caplog):
    caplog.set_level(logging.INFO, "tracing_aggregator.access")
    with running(Starlette(routes=[Route("/", here)], middleware=[Middleware(AccessLog)])) as port:
        httpx.get(f"http://127.0.0.1:{port}/?token=open-sesame")
        httpx.get(f"http://127.0.0.1:{port}/a%0Ab")
    first, second = caplog.messages
    assert first.startswith("127.0.0.1 GET '/' 200 ")
    assert "open-sesame" not in caplog.text
    assert "'/a\\nb' 404" in second
