"""The server loop of deployments (`app.server`) in a process without a gunicorn master."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from flask import Flask
from gunicorn.config import Config
from gunicorn.glogging import Logger

from app.server.loop import Server
from config import THREADS

# The same values as in gunicorn.conf.py, which cannot be imported; its others concern a master.
SETTINGS: Final = {"threads": THREADS, "keepalive": 65, "forwarded_allow_ips": ""}


class Worker:
    """What the loop uses of gunicorn's worker. It is the only one, and stops at once."""

    max_requests = sys.maxsize
    place, nr = 0, 0
    alive, quits = True, True

    def __init__(self, app: Flask, listener: socket.socket) -> None:
        """Serve `app` on a listening socket."""
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
        """Do nothing: there is no master to tell that this worker lives."""


@contextmanager
def serving(app: Flask, listener: socket.socket) -> Iterator[None]:
    """Serve in a thread while the context lasts."""
    worker = Worker(app, listener)
    thread = threading.Thread(target=Server(worker).run, daemon=True)
    thread.start()
    yield
    worker.alive = False
    os.write(worker.PIPE[1], b"1")
    thread.join()
