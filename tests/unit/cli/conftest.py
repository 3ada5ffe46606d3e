"""The command line of an application on real servers, and people with sessions."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.cli import FlaskGroup

from app import create_app
from app.auth.register import register_and_log_in
from app.families.issuer import PresentedCredentials, TokenPair
from app.infra import redis
from app.infra.audit import Client
from app.services import NAME, Services
from config import Settings
from tests.support.app import settle
from tests.support.clock import NOW, SettableClock
from tests.support.servers.valkey import ValkeyServer

PASSWORD = "violet harbour anchors"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:152.0) Gecko/20100101 Firefox/152.0"


def on(app: Flask, *words: str, **more: Any) -> Result:  # noqa: ANN401 - click's own
    """Run a command as `flask --app wsgi` does."""
    group = FlaskGroup(create_app=lambda: app, load_dotenv=False)
    return CliRunner().invoke(group, words, prog_name="flask", **more)


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(NOW)


@pytest.fixture
def app(
    settings: Settings, clock: SettableClock, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Flask]:
    """The app as wsgi.py builds it, but for its clock and for short rests."""
    monkeypatch.setattr(redis, "REDIS_BACKOFF_SECONDS", 0.02)
    app = create_app(settings, clock)
    yield app
    settle(app.extensions[NAME], valkey)


@pytest.fixture
def own(app: Flask) -> Services:
    parts: Services = app.extensions[NAME]
    return parts


@pytest.fixture
def flask(app: Flask) -> Callable[..., Result]:
    """What an operator types after `flask --app wsgi`."""

    def run(*words: str, **more: Any) -> Result:  # noqa: ANN401 - click's own
        return on(app, *words, **more)

    return run


@pytest.fixture
def ada(own: Services) -> TokenPair:
    """The session of somebody who just registered."""
    client = Client("192.0.2.1", FIREFOX)
    return register_and_log_in(
        own.auth, "ada@example.com", PASSWORD, client, PresentedCredentials()
    )


@pytest.fixture
def eve(own: Services) -> TokenPair:
    """The session of somebody else."""
    client = Client("198.51.100.7")
    return register_and_log_in(
        own.auth, "eve@example.com", PASSWORD, client, PresentedCredentials()
    )
