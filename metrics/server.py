"""The HTTP server: `/metrics` for Prometheus, `/healthz` and `/readyz` for whoever restarts and routes."""

import json
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Thread
from typing import Self

from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import CollectorRegistry

from metrics.health import Health

_JSON = "application/json; charset=utf-8"
_HELP = b"Kafka tracing aggregator: /metrics /healthz /readyz\n"
_SLOW_CLIENT_S = 10


class MetricsServer:
    """Serves from its construction until `stop`. Raises OSError if it cannot listen at `host` and `port`."""

    def __init__(self, host: str, port: int, registry: CollectorRegistry, health: Health) -> None:
        class Server(ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
            daemon_threads = True

            def server_bind(self) -> None:
                TCPServer.server_bind(self)  # that of HTTPServer would ask a name server for our name
                self.server_name, self.server_port = host, self.server_address[1]

        self._server = Server((host, port), _handler(registry, health))
        self.port: int = self._server.server_port
        self.address = f"http://{f'[{host}]' if ':' in host else host}:{self.port}"
        Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _handler(registry: CollectorRegistry, health: Health) -> type[BaseHTTPRequestHandler]:
    answers = {"/healthz": health.alive, "/readyz": health.ready}

    class Handler(BaseHTTPRequestHandler):
        timeout = _SLOW_CLIENT_S
        server_version = "tracing-aggregator"
        sys_version = ""

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                encode, content_type = choose_encoder(self.headers.get("Accept", ""))
                self._send(200, content_type, encode(registry))
            elif path in answers:
                ok, why = answers[path]()
                body = json.dumps({"status": "ok" if ok else "failing", "why": why}).encode() + b"\n"
                self._send(200 if ok else 503, _JSON, body)
            else:
                self._send(200 if path == "/" else 404, "text/plain; charset=utf-8", _HELP)

        do_HEAD = do_GET  # noqa: N815 - names that http.server calls

        def _send(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing of requests."""

    return Handler
