"""What the demo serves: dashboard and metrics, in threads of this process, begun with the first trace.

So they delay nothing; and before that there is nothing to see.
"""

import webbrowser
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import NamedTuple

from pipeline.config.load import Config
from pipeline.errors import UserError
from runners.ports import free_ports, listens
from tracing_aggregator.metrics.exporter import exporting

PORT, METRICS_PORT = 8090, 8080
KEEP = 100_000
STOP_S = 5.0


def usual_or_free(port: int) -> int:
    """This port of loopback, or a free one if something listens there."""
    return free_ports(1)[0] if listens(port) else port


class Served(NamedTuple):
    """What the user wants of the page: its port, None for the usual one or any that is free, and a browser on it."""

    port: int | None = None
    wants_browser: bool = False


class Page:
    """See the head of this file. `store` is the dashboard's file. UserError where the port that is wanted is taken."""

    def __init__(self, config: Config, store: Path, served: Served) -> None:
        self._config = config
        self._store = store
        self._wants_browser = served.wants_browser
        self._open = ExitStack()
        self._is_begun = False
        if served.port and listens(served.port):
            raise UserError(f"Port {served.port} is taken.", "Leave --port out, or choose another one.")
        self._port = served.port or usual_or_free(PORT)
        self.address = f"http://127.0.0.1:{self._port}/"

    @staticmethod
    def can_be_had() -> bool:
        """Whether what the dashboard needs is installed."""
        return find_spec("fastapi") is not None

    def begin(self) -> None:
        """Serve, if it does not yet."""
        if self._is_begun:
            return
        self._is_begun = True
        self._open.enter_context(exporting(self._config))
        if not self.can_be_had():
            return
        from tracing_aggregator.dashboard.serve import Options, serving

        options = Options("127.0.0.1", self._port, self._store, KEEP, None, None)
        page = self._open.enter_context(serving(self._config, options))
        server = Thread(target=page.run, name="dashboard", daemon=True)
        server.start()
        self._open.callback(server.join, STOP_S)
        self._open.callback(page.stop)
        if self._wants_browser:
            webbrowser.open(page.address)

    def end(self) -> None:
        """Serve no longer."""
        self._open.close()
