"""A deploy loses no request: reload, upgrade and restart under load, with and without a proxy."""

import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Self

import psutil
import pytest

from tests.support.processes import wait_until
from tests.support.servers.gunicorn import GunicornServer
from tests.support.servers.nginx import NginxServer

CLIENTS = 4
# Afterwards, so that a late reset of what was accepted before it is seen, too.
AFTERWARDS_SECONDS = 1
PAUSE_SECONDS = 0.002  # leaves the machine to what is tested


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Which database it is makes no difference here."""
    return sqlite_url


class Load:
    """Clients of one port that ask on and on; half of them keep their connection."""

    def __init__(self, port: int, host: str) -> None:
        self.answers: Counter[int] = Counter()
        self.failures: list[str] = []
        self._port, self._host = port, host
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(CLIENTS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=30)) as link:
            self._ask_on(link, number)

    def _ask_on(self, link: HTTPConnection, number: int) -> None:
        headers = {"Host": self._host, "Connection": "keep-alive" if number % 2 else "close"}
        while not self._over.is_set():
            # A POST, which no proxy repeats: 401, because nobody is logged in.
            method, path = ("POST", "/auth/refresh") if number < 2 else ("GET", "/healthz")
            try:
                link.request(method, path, headers=headers)
                answer = link.getresponse()
                answer.read()
                self.answers[answer.status] += 1
            except (OSError, HTTPException) as error:
                self.failures.append(repr(error))
                link.close()
            time.sleep(PAUSE_SECONDS)


@contextmanager
def under_load(server: GunicornServer, folder: Path) -> Iterator[None]:
    """Ask through nginx and without it for as long as the block runs; no request may fail."""
    host = f"localhost:{server.port}"
    with (
        NginxServer(folder, server.port) as nginx,
        Load(nginx.port, host) as proxied,
        Load(server.port, host) as direct,
    ):
        wait_until(lambda: min(proxied.answers[200], direct.answers[200]) > 50, what="load")
        yield
        time.sleep(AFTERWARDS_SECONDS)
    for load in (proxied, direct):
        assert load.failures == []
        assert set(load.answers) == {200, 401}
        assert load.answers.total() > 200


def test_reload(gunicorn_server: GunicornServer, tmp_path: Path) -> None:
    """SIGHUP: new workers serve, and the old ones finish what they have."""
    with under_load(gunicorn_server, tmp_path):
        before = set(gunicorn_server.workers)
        os.kill(gunicorn_server.pid, signal.SIGHUP)
        wait_until(lambda: _replaced(gunicorn_server, before), what="the new workers")


def _replaced(server: GunicornServer, before: set[int]) -> bool:
    return len(server.workers) == 2 and not before & set(server.workers)


def test_upgrade(gunicorn_server: GunicornServer, tmp_path: Path) -> None:
    """USR2 starts a new master on the same socket; SIGTERM lets the old one finish."""
    with ExitStack() as started:
        with under_load(gunicorn_server, tmp_path):
            os.kill(gunicorn_server.pid, signal.SIGUSR2)
            wait_until(lambda: bool(_second_master(gunicorn_server.pid)), what="the second master")
            master = _second_master(gunicorn_server.pid)[0]
            started.callback(_end, master)
            wait_until(lambda: len(master.children()) == 2, what="its workers")
            assert gunicorn_server.terminate() == 0
        assert len(master.children()) == 2


def _second_master(first: int) -> list[psutil.Process]:
    """List the children of a master that have children: the workers have none."""
    return [child for child in psutil.Process(first).children() if child.children()]


def _end(master: psutil.Process) -> None:
    master.terminate()
    master.wait(30)


def test_socket_activation(environment: dict[str, str], tmp_path: Path) -> None:
    """A restart behind a socket that systemd holds: what comes meanwhile waits in it."""
    server = GunicornServer(environment, tmp_path / "gunicorn.log")
    with socket.create_server(("127.0.0.1", server.port), backlog=512) as listener:
        server.start(listener)
        try:
            with under_load(server, tmp_path):
                assert server.terminate() == 0
                server.start(listener)
        finally:
            server.stop()
