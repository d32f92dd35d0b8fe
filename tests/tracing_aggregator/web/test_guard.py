"""Tokens, who may do what with them, and how often one may guess."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from pipeline.errors import UserError
from tracing_aggregator.web.guard import Guard
from tracing_aggregator.web.guesses import Guesses
from tracing_aggregator.web.peers import network
from tracing_aggregator.web.tokens import Tokens

ADMIN, READER = "administrator", "only-a-reader"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def client(tokens: Tokens, **kwargs: str) -> TestClient:
    paths = [Route(path, lambda _: PlainTextResponse("here"), methods=["GET", "POST"]) for path in ("/", "/healthz")]
    app = Starlette(routes=paths, middleware=[Middleware(Guard, tokens=tokens)])
    return TestClient(app, follow_redirects=False, **kwargs)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_reader_reads_and_an_administrator_does_all():
    asking = client(Tokens(ADMIN, READER))
    assert [asking.get("/", headers=bearer(token)).status_code for token in (ADMIN, READER)] == [200, 200]
    assert [asking.post("/", headers=bearer(token)).status_code for token in (ADMIN, READER)] == [200, 403]
    assert asking.get("/").status_code == 401


def test_probes_need_no_token():
    assert client(Tokens(ADMIN)).get("/healthz").status_code == 200


def test_the_cookie_is_for_tls_alone_where_it_came_by_tls():
    by_tls = client(Tokens(ADMIN), base_url="https://tracing.example").get("/", params={"token": ADMIN})
    plain = client(Tokens(ADMIN)).get("/", params={"token": ADMIN})
    assert ("Secure" in by_tls.headers["set-cookie"], "Secure" in plain.headers["set-cookie"]) == (True, False)


def test_after_ten_wrong_tokens_an_address_has_to_wait_even_with_the_right_one():
    asking = client(Tokens(ADMIN))
    assert [asking.get("/", headers=bearer("wrong-token")).status_code for _ in range(10)] == [401] * 10
    answer = asking.get("/", headers=bearer(ADMIN))
    assert (answer.status_code, int(answer.headers["retry-after"]) >= 1) == (429, True)
    assert asking.get("/healthz").status_code == 200


def test_asking_without_a_token_is_no_guess():
    asking = client(Tokens(ADMIN))
    assert {asking.get("/").status_code for _ in range(30)} == {401}
    assert asking.get("/", headers=bearer(ADMIN)).status_code == 200


def test_a_browser_forgets_a_cookie_that_is_no_longer_right():
    answer = client(Tokens(ADMIN)).get("/", headers={"Cookie": "tracing_aggregator_token=from-before"})
    assert answer.status_code == 401
    assert "Max-Age=0" in answer.headers["set-cookie"]


def test_guesses_are_forgotten_after_a_while_and_addresses_do_not_share_them():
    clock = Clock()
    guesses = Guesses(clock)
    for _ in range(10):
        assert guesses.wait_s("a") == 0
        guesses.wrong("a")
    assert (guesses.wait_s("a"), guesses.wait_s("b")) == (2, 0)
    clock.now += 2
    assert guesses.wait_s("a") == 0


def test_the_addresses_that_are_remembered_are_bounded():
    guesses = Guesses(Clock())
    for number in range(30_000):
        guesses.wrong(f"{number}")
    assert len(guesses._paid_at) <= 10_000


def test_all_addresses_of_one_ipv6_network_are_one_client():
    assert network("2001:db8::1") == network("2001:db8::ffff:1") == "2001:db8::/64"
    assert network("192.0.2.1") == "192.0.2.1"


def test_a_token_in_a_file_changes_while_the_server_runs(tmp_path: Path):
    clock, file = Clock(), tmp_path / "token"
    file.write_text("first-token")
    tokens = Tokens(f"${{dir:{tmp_path}:token}}", clock=clock)
    file.write_text("first-token,second-token")
    assert not tokens.lets("second-token", change=False)
    clock.now += 5
    assert tokens.lets("second-token", change=False)
    assert tokens.lets("first-token", change=True)
    file.unlink()
    clock.now += 5
    assert tokens.lets("second-token", change=False)


def test_a_token_file_is_made_once_for_its_owner_alone(tmp_path: Path):
    file = tmp_path / "new" / "token"
    first = Tokens.of(None, file=file)
    made = file.read_text()
    assert (len(made) >= 24, file.stat().st_mode & 0o777) == (True, 0o600)
    again = Tokens.of(None, file=file)
    assert all(tokens is not None and tokens.lets(made, change=True) for tokens in (first, again))
    with pytest.raises(UserError, match="Give one of them"):
        Tokens.of(ADMIN, file=file)


@pytest.mark.parametrize(
    ("admin", "reader", "told"),
    [("short", None, "8 characters"), ("has a blank", None, "8 characters"), (None, READER, "Give a --token too")],
)
def test_tokens_that_protect_nothing_are_refused(admin, reader, told):
    with pytest.raises(UserError, match=told):
        Tokens.of(admin, reader)
