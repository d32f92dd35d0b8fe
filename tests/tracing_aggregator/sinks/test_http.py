import pytest

from pipeline.errors import UserError
from runners.ports import free_ports
from tests.tracing_aggregator.sinks.scripted_server import Answer, scripted
from tracing_aggregator.sinks.http import Refused, Service
from tracing_aggregator.sinks.retry import TransientError


def send(service: Service) -> bytes | Refused:
    return service.send("POST", "/in", b"x", "text/plain")


def any_service(url: str, **more) -> Service:
    return Service("Somebody", "somebody", url, **more)


def test_an_answer_is_its_body_and_login_and_headers_are_sent():
    with scripted(Answer(body=b"yes")) as server:
        assert send(any_service(server.url, headers={"X-Scope": "a"}, auth=("joe", "pw"))) == b"yes"
    [asked] = server.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/in", b"x")
    assert asked.headers["Authorization"] == "Basic am9lOnB3"
    assert asked.headers["X-Scope"] == "a"


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_be_otherwise_later_is_transient_and_names_its_pause(status):
    with scripted(Answer(status, headers=(("Retry-After", "17"),))) as server:
        with pytest.raises(TransientError, match=f"answers {status}") as raised:
            send(any_service(server.url))
        assert raised.value.pause_s == 17


def test_nobody_there_is_transient():
    with pytest.raises(TransientError, match="does not answer"):
        send(any_service(f"http://127.0.0.1:{free_ports(1)[0]}"))


@pytest.mark.parametrize("status", [401, 403])
def test_without_permission_it_ends_and_says_where_to_look(status):
    told = rf"{status}: no such user\n.*somebody\.\*"
    with scripted(Answer(status, b"no such user")) as server, pytest.raises(UserError, match=told):
        send(any_service(server.url))


@pytest.mark.parametrize("status", [301, 400, 404, 413])
def test_what_only_the_caller_can_judge_is_handed_on(status):
    with scripted(Answer(status, b"why", (("Location", "/elsewhere"),))) as server:
        assert send(any_service(server.url)) == Refused(status, "why")
        assert len(server.asked) == 1


def test_a_login_in_the_address_is_never_shown():
    port = free_ports(1)[0]
    service = any_service(f"http://joe:hidden@127.0.0.1:{port}")
    assert service.shown == f"http://***@127.0.0.1:{port}"
    with pytest.raises(TransientError) as raised:
        send(service)
    assert "hidden" not in raised.value.why
