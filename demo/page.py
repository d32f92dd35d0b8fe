"""The demo's page: the dashboard in threads of this process, begun with the first trace so that it delays nothing."""

import webbrowser
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

from pipeline.config import Config
from runners.ports import free_ports, listens

PORT = 8090
KEEP = 100_000
STOP_S = 5.0


class Page:
    """See the head of this file. `store` is the dashboard's file; `wants_browser` opens a browser when it is there."""

    def __init__(self, config: Config, store: Path, *, wants_browser: bool) -> None:
        self._config = config
        self._store = store
        self._wants_browser = wants_browser
        self._open = ExitStack()
        self._is_begun = False
        self._port = free_ports(1)[0] if listens(PORT) else PORT
        self.address = f"http://127.0.0.1:{self._port}/"

    @staticmethod
    def can_be_had() -> bool:
        """Whether what the dashboard needs is installed."""
        return find_spec("uvicorn") is not None and find_spec("fastapi") is not None

    def begin(self) -> None:
        """Serve, if it does not yet."""
        if self._is_begun or not self.can_be_had():
            return
        self._is_begun = True
        from dashboard.serve import Options, serving

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
