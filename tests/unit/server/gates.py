"""Requests that wait until a test lets them go on."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
CLOSE = b"Connection: close\r\n\r\n"


@dataclass(eq=False)
class Neighbour:
    """What a group looks at."""

    site: str


class Gate:
    """An application whose answer waits for the test."""

    def __init__(self, application: Flask, size: int = 0) -> None:
        self.extensions = application.extensions
        self.entered, self.opened = threading.Semaphore(0), threading.Event()
        self._size = size

    def __call__(self, _environ: object, start_response: Callable[..., object]) -> list[bytes]:
        """Answer with `size` bytes once the gate is open."""
        self.entered.release()
        self.opened.wait(20)
        start_response("200 OK", [("Content-Length", str(self._size))])
        return [b"a" * self._size]
