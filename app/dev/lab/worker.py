"""The deployed server loop (app/server) in a process that has no gunicorn master."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from gunicorn.config import Config
from gunicorn.glogging import Logger

from app.server.loop import Server
from config import THREADS

# As in gunicorn.conf.py, which cannot be imported: whatever else it sets concerns a master.
SETTINGS = {"threads": THREADS, "keepalive": 65, "forwarded_allow_ips": ""}


class Worker:
    """What the loop asks of gunicorn's worker. It is the only one, and stops at once."""

    max_requests = sys.maxsize
    place, nr = 0, 0
    alive, quits = True, True

    def __init__(self, app: Flask, listener: socket.socket) -> None:
        """Serve `app` on a socket that listens."""
        self.cfg = Config()
        for name, value in SETTINGS.items():
            self.cfg.set(name, value)
        self.log, self.ppid = Logger(self.cfg), os.getppid()
        self.wsgi, self.sockets, self.loads = app, [listener], [0]
        self.PIPE = os.pipe()
        for end in self.PIPE:
            os.set_blocking(end, False)
        listener.settimeout(0)

    def notify(self) -> None:
        """Tell no master that this one lives."""


@contextmanager
def serving(app: Flask, listener: socket.socket) -> Iterator[None]:
    """Serve for as long as the context lasts, in a thread of its own."""
    worker = Worker(app, listener)
    thread = threading.Thread(target=Server(worker).run, daemon=True)
    thread.start()
    yield
    worker.alive = False
    os.write(worker.PIPE[1], b"1")
    thread.join()
