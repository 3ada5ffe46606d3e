"""Clients at one origin, and what the lab has stored."""

from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.accounts.models import users
from app.dev.lab.run_endpoints import run_store
from app.dev.lab.run_store import RunStore
from app.services import services


class At(FlaskClient):
    origin = ""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:  # noqa: ANN401 - werkzeug's own
        return super().open(*args, base_url=self.origin, **kwargs)


def browser(app: Flask, origin: str) -> FlaskClient:
    client = At(app, app.response_class)
    client.origin = origin
    return client


def lab_store(app: Flask) -> RunStore:
    with app.app_context():
        return run_store()


def addresses(app: Flask) -> set[str]:
    with app.app_context(), services().database.autocommit() as connection:
        rows = connection.execute(select(users.c.email)).scalars()
        return {email for email in rows if "@" in str(email)}


def opened(visitor: FlaskClient) -> dict[str, Any]:
    answer = visitor.post("/lab/browser")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    run: dict[str, Any] = answer.get_json()
    return run
