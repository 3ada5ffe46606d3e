"""How a client's request reaches Latchkey: in this process, or over a socket."""

import socket
import time
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection
from typing import Any, Final

from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.test import Client, EnvironBuilder, TestResponse

from tests.support.app import services
from tests.support.servers.gunicorn import GunicornServer

SECONDS: Final = 20


class InProcess:
    def __init__(self, app: Flask) -> None:
        self.app, self.url = app, services(app).settings.public_url
        self._client = Client(app, app.response_class, use_cookies=False)

    def send(
        self,
        method: str,
        path: str,
        headers: Headers,
        environ: Mapping[str, str],
        **more: Any,  # noqa: ANN401 - EnvironBuilder's own
    ) -> TestResponse:
        """Send one request; `environ` replaces parts of what the WSGI server would say."""
        request = EnvironBuilder(
            path, self.url, method=method, headers=headers, environ_overrides=environ, **more
        )
        return self._client.open(request, buffered=True)

    def nonce(self) -> str:
        return services(self.app).nonce()

    def now(self) -> int:
        return services(self.app).clock.now()


class OverSocket:
    """Requests to a server, each over a connection of its own.

    The kernel spreads fresh connections over the workers, so a question asked often enough reaches
    every one of them.
    """

    def __init__(self, server: GunicornServer) -> None:
        self.server, self.url = server, server.url
        self._nonce = ""

    def send(
        self,
        method: str,
        path: str,
        headers: Headers,
        _environ: Mapping[str, str],
        **more: Any,  # noqa: ANN401 - EnvironBuilder's own
    ) -> TestResponse:
        builder = EnvironBuilder(path, self.url, method=method, headers=headers, **more)
        request = builder.get_request()
        sent = dict(request.headers) | {"Connection": "close"}
        with closing(HTTPConnection("localhost", self.server.port, timeout=SECONDS)) as link:
            link.request(method, path, request.get_data() or None, sent)
            answer = link.getresponse()
            body = [answer.read()]
        received = Headers(answer.getheaders())
        self._nonce = received.get("DPoP-Nonce", self._nonce)
        return TestResponse(body, f"{answer.status} {answer.reason}", received, request)

    def nonce(self) -> str:
        return self._nonce

    def now(self) -> int:
        return int(time.time())


def raw(port: int, request: bytes) -> bytes:
    """Send bytes as they are and return all that comes back."""
    with socket.create_connection(("localhost", port), timeout=SECONDS) as link:
        try:
            link.sendall(request)
            link.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # refused before it was all sent
        received = bytearray()
        try:
            while part := link.recv(65536):
                received += part
        except ConnectionResetError:
            pass
        return bytes(received)
