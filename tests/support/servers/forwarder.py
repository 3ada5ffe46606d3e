"""A proxy in front of Redis, or an address that moves: connections outlive the server behind."""

import select
import socket
import threading
from pathlib import Path

from tests.support.servers.server import Server

BYTES = 65536


class Forwarder(Server):
    """Forwards TCP connections to a unix socket, and can be told of another one.

    The connections of clients stay open over that, unless `keep_old` also leaves them with the
    server they have.
    """

    def __init__(self, target: Path) -> None:
        self._target, self._open = target, True
        self._links: set[socket.socket] = set()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self._server.close()
        self.cut()

    def switch(self, target: Path, *, keep_old: bool = False) -> None:
        """Lead to another server: every connection, or only those that are opened from now on."""
        self._target = target
        if not keep_old:
            for link in list(self._links):
                link.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        self._open = False
        for link in list(self._links):
            link.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            while self._open:
                with self._connected() as server:
                    self._links.add(server)
                    gone = self._pump(client, server)
                    self._links.discard(server)
                if gone:
                    return

    def _connected(self) -> socket.socket:
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(self._target))
        return server

    @staticmethod
    def _pump(client: socket.socket, server: socket.socket) -> bool:
        """Carry bytes both ways; tell whether it was the client that went away."""
        while True:
            ready, _, _ = select.select([client, server], [], [])
            for source, sink in ((server, client), (client, server)):
                if source not in ready:
                    continue
                try:
                    part = source.recv(BYTES)
                    if part:
                        sink.sendall(part)
                except OSError:
                    part = b""
                if not part:
                    return source is client
