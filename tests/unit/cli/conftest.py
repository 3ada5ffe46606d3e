"""What an operator types, and people with sessions."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.cli import FlaskGroup

from app.auth import admin
from app.auth.login import log_in
from app.families.issuer import PresentedCredentials, TokenPair
from app.infra.audit import Client
from app.services import Services
from tests.support.app import services as services_of

Run = Callable[..., Result]

PASSWORD = "violet harbour anchors"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:152.0) Gecko/20100101 Firefox/152.0"


def on(app: Flask, *words: str, **more: Any) -> Result:  # noqa: ANN401 - click's own
    """Run a command as `flask --app wsgi` does."""
    group = FlaskGroup(create_app=lambda: app, load_dotenv=False)
    return CliRunner().invoke(group, words, prog_name="flask", **more)


@pytest.fixture
def flask(app: Flask) -> Run:
    """What an operator types after `flask --app wsgi`."""
    return partial(on, app)


@pytest.fixture
def services(app: Flask) -> Services:
    return services_of(app)


def register(services: Services, email: str, client: Client) -> TokenPair:
    admin.create(services.auth, email, PASSWORD)
    presented = PresentedCredentials()
    return log_in(services.auth, email, PASSWORD, client, presented, remember=False)


@pytest.fixture
def ada(services: Services) -> TokenPair:
    return register(services, "ada@example.com", Client("192.0.2.1", FIREFOX))


@pytest.fixture
def eve(services: Services) -> TokenPair:
    return register(services, "eve@example.com", Client("198.51.100.7"))
