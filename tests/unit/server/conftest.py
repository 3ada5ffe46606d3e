"""A server loop on a port of its own, around the real application."""

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from flask import Flask
from gunicorn.config import Config
from gunicorn.glogging import Logger

from app.server import loop
from app.server.listeners import ABSENT
from app.server.loop import Server


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Which database it is makes no difference here."""
    return str(request.getfixturevalue(f"{request.param}_url"))


class Running:
    """A loop in a thread, with what gunicorn's worker has for it."""

    def __init__(self, app: Flask, **more: object) -> None:
        config = Config()
        for name, value in {"threads": 4, "keepalive": 65, "forwarded_allow_ips": ""}.items():
            config.set(name, value)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(0)
        self.port: int = self.listener.getsockname()[1]
        logger = Logger(config)
        self.worker = SimpleNamespace(
            cfg=config,
            wsgi=app,
            sockets=[self.listener],
            PIPE=os.pipe(),
            loads=[ABSENT] * 4,
            place=0,
            ppid=os.getppid(),
            alive=True,
            quits=False,
            nr=0,
            max_requests=10**9,
            log=logger,
            beats=0,
        )
        self.worker.notify = self._notify
        vars(self.worker).update(more)
        for end in self.worker.PIPE:
            os.set_blocking(end, False)
        self.server = Server(self.worker)
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()

    def _notify(self) -> None:
        self.worker.beats += 1

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def ask(self, *parts: bytes) -> bytes:
        """Send parts one by one, and nothing more; return all that comes back."""
        with self.connect() as link:
            for part in parts:
                link.sendall(part)
            return everything(link)

    def stop(self, *, quick: bool = True) -> None:
        """Stop it as a signal does."""
        self.worker.quits, self.worker.alive = quick, False
        os.write(self.worker.PIPE[1], b"1")

    def close(self) -> None:
        """Stop it and wait for its end."""
        self.stop()
        self.thread.join(20)
        self.listener.close()
        for end in self.worker.PIPE:
            os.close(end)


def everything(link: socket.socket, until: bytes = b"") -> bytes:
    """Read until the other side has no more, or these bytes have come."""
    received = bytearray()
    while part := link.recv(65536):
        received += part
        if until and until in received:
            break
    return bytes(received)


Run = Callable[..., Running]


@pytest.fixture
def run(app: Flask) -> Iterator[Run]:
    """A function that starts a loop; keywords replace what its worker has."""
    started: list[Running] = []

    def start(**more: object) -> Running:
        started.append(Running(app, **more))
        return started[-1]

    yield start
    for running in started:
        running.close()


@pytest.fixture
def running(run: Run) -> Running:
    return run()


@pytest.fixture(autouse=True)
def _gunicorns_log_propagates() -> Iterator[None]:
    """Let caplog see gunicorn's lines."""
    yield
    logging.getLogger("gunicorn.error").handlers.clear()


@pytest.fixture(autouse=True)
def _ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the deadlines more often than once a second."""
    monkeypatch.setattr(loop, "TICK_SECONDS", 0.01)
