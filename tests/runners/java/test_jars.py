import functools
import hashlib
import http.server
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runners.java.jars import Jar, JarError, locked, resolve

CONTENT = {"org/a/x/1/x-1.jar": b"x" * 1_000_000, "org/a/y/2/y-2-linux.jar": b"y"}
LOCK = "".join(
    f"{groups} {coordinates} {hashlib.sha256(content).hexdigest()}\n"
    for (groups, coordinates), content in zip(
        [("beam,broker", "org.a:x:1"), ("beam", "org.a:y:2:linux")], CONTENT.values(), strict=True
    )
)


class Mirror(http.server.ThreadingHTTPServer):
    """A Maven repository of two jars that remembers what it was asked for."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        self.failures = 0
        super().__init__(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class Handler(http.server.SimpleHTTPRequestHandler):
    server: Mirror

    def do_GET(self) -> None:
        self.server.asked.append(self.path.removeprefix("/"))
        if self.server.failures:
            self.server.failures -= 1
            self.send_error(503)
        else:
            super().do_GET()

    def log_message(self, *_: object) -> None:
        """Nothing on the console."""


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runners.java.jars.PAUSE_S", 0)


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    for path, content in CONTENT.items():
        file = tmp_path / "mirror" / path
        file.parent.mkdir(parents=True)
        file.write_bytes(content)
    with Mirror(tmp_path / "mirror") as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def jars() -> list[Jar]:
    return locked(LOCK)


def test_a_group_is_fetched_in_the_order_of_the_lock(mirror: Mirror, cache: Path) -> None:
    paths = resolve("beam", cache, mirror.url, jars())
    assert paths == [cache / path for path in CONTENT]
    assert [path.read_bytes() for path in paths] == list(CONTENT.values())


def test_only_the_jars_of_the_group_are_fetched(mirror: Mirror, cache: Path) -> None:
    resolve("broker", cache, mirror.url, jars())
    assert mirror.asked == ["org/a/x/1/x-1.jar"]


def test_once_cached_no_network_is_needed(mirror: Mirror, cache: Path) -> None:
    first = resolve("beam", cache, mirror.url, jars())
    mirror.shutdown()
    mirror.server_close()
    assert resolve("beam", cache, mirror.url, jars()) == first


def test_a_jar_with_a_wrong_hash_is_refused_and_not_kept(mirror: Mirror, cache: Path, tmp_path: Path) -> None:
    (tmp_path / "mirror/org/a/y/2/y-2-linux.jar").write_bytes(b"another")
    with pytest.raises(JarError, match=r"Refused http.*y-2-linux\.jar"):
        resolve("beam", cache, mirror.url, jars())
    assert not list(cache.rglob("*y-2*"))


def test_a_cached_jar_that_was_changed_is_fetched_again(mirror: Mirror, cache: Path) -> None:
    (path,) = resolve("broker", cache, mirror.url, jars())
    path.write_bytes(b"torn")
    resolve("broker", cache, mirror.url, jars())
    assert path.read_bytes() == CONTENT["org/a/x/1/x-1.jar"]


def test_two_at_once_both_succeed_and_leave_nothing_else(mirror: Mirror, cache: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: resolve("beam", cache, mirror.url, jars()), range(2)))
    assert both[0] == both[1]
    assert sorted(path for path in cache.rglob("*") if path.is_file()) == sorted(both[0])


def test_a_mirror_that_is_down_for_a_moment_is_asked_again(mirror: Mirror, cache: Path) -> None:
    mirror.failures = 1
    (path,) = resolve("broker", cache, mirror.url, jars())
    assert path.read_bytes() == CONTENT["org/a/x/1/x-1.jar"]
    assert len(mirror.asked) == 2


def test_a_missing_jar_is_not_asked_for_again(mirror: Mirror, cache: Path, tmp_path: Path) -> None:
    (tmp_path / "mirror/org/a/x/1/x-1.jar").unlink()
    with pytest.raises(JarError, match="404"):
        resolve("broker", cache, mirror.url, jars())
    assert len(mirror.asked) == 1


def test_without_a_network_the_error_names_the_setting_that_helps(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(JarError, match=r"Cannot fetch file:.*(?s:.)*jars\.mirror"):
        resolve("broker", cache, (tmp_path / "no such folder").as_uri(), jars())


def test_the_cache_of_another_machine_serves_as_a_mirror(mirror: Mirror, cache: Path, tmp_path: Path) -> None:
    resolve("beam", cache, mirror.url, jars())
    copies = resolve("beam", tmp_path / "second", cache.as_uri(), jars())
    assert [path.read_bytes() for path in copies] == list(CONTENT.values())


def test_an_unknown_group_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        resolve("nobody", jars=jars())


def test_the_shipped_lock_names_all_groups_and_no_address() -> None:
    shipped = locked()
    assert frozenset.union(*(jar.groups for jar in shipped)) == {"beam", "java-io", "s3", "broker", "clients"}
    assert all(len(jar.sha256) == 64 and "://" not in jar.path for jar in shipped)


def test_no_two_versions_of_a_jar_are_in_one_group() -> None:
    named = [(group, jar.path.rsplit("/", 2)[0]) for jar in locked() for group in jar.groups]
    assert len(named) == len(set(named))
