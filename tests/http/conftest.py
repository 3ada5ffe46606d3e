"""People, a clock to set, and the log to read."""

from __future__ import annotations

import io
import logging
import threading
from typing import TYPE_CHECKING

import pytest

from app import create_app
from app.infra import redis
from app.infra.logs import Lines
from tests.conftest import close
from tests.support.client import Actor, Thief, member
from tests.support.clock import SettableClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from config import Settings
    from tests.support.servers.valkey import ValkeyServer


@pytest.fixture
def clock() -> SettableClock:
    """Give the clock of the app."""
    return SettableClock()


@pytest.fixture
def app(settings: Settings, clock: SettableClock, valkey: ValkeyServer) -> Iterator[Flask]:
    """Give the app as wsgi.py builds it, but for its clock and for short rests."""
    app = create_app(settings, clock)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redis, "REDIS_BACKOFF_SECONDS", 0.02)
        yield app
        for thread in threading.enumerate():
            if thread.name == "denylist-repair":
                valkey.make_sound()
                thread.join()
    close(app)


@pytest.fixture
def visitor(app: Flask) -> Actor:
    """Give somebody who has no account yet."""
    return Actor(app)


@pytest.fixture
def ada(app: Flask) -> Actor:
    """Give somebody who is logged in."""
    return member(app)


@pytest.fixture
def thief(app: Flask) -> Thief:
    """Give somebody with a program and no right to anything."""
    return Thief(app)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Give all that the application writes into its log, as it writes it."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(Lines())
    logger = logging.getLogger("latchkey")
    logger.addHandler(handler)
    yield text
    logger.removeHandler(handler)
