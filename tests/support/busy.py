"""A server whose queue for password hashes is full."""

from contextlib import ExitStack

import pytest
from flask import Flask

from app.accounts.hash_queue import KNOWN_PLACES, OPEN_PLACES, HashQueue
from app.errors import Busy
from app.infra.audit import Client


def filled(queue: HashQueue) -> ExitStack:
    """Hold every place of a queue, also those for known browsers, until the stack is closed."""
    held = ExitStack()
    for number in range(OPEN_PLACES + KNOWN_PLACES):
        held.enter_context(queue.place(Client(ip=f"10.{number}.0.1"), known=True))
    with pytest.raises(Busy), queue.place(Client(ip="192.0.2.1"), known=True):
        pass
    return held


def strangers(app: Flask) -> ExitStack:
    """Hold every open place of an application's queue until the stack is closed."""
    queue, held = app.extensions["latchkey"].auth.password_login.queue, ExitStack()
    for number in range(OPEN_PLACES):
        held.enter_context(queue.place(Client(ip=f"10.{number}.0.1")))
    return held


def busy(app: Flask) -> ExitStack:
    return filled(app.extensions["latchkey"].auth.password_login.queue)
