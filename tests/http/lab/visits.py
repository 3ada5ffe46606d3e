"""Clients at one origin, and what the lab has stored."""

import json
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


def events(answer: TestResponse) -> list[dict[str, Any]]:
    """Read the lines of a stream, once it is whole."""
    return [json.loads(line) for line in answer.get_data(as_text=True).splitlines()]


def collected(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Put the events of a run together, as it is stored."""
    run: dict[str, Any] = dict(lines[0])
    for event in lines[1:]:
        if "run" in event:
            run |= event
            continue
        side = run.setdefault(event.pop("side"), {"steps": []})
        if "step" in event:
            side["steps"][event["at"] :] = [event["step"]]
        else:
            side |= event
    return run


def ran(visitor: FlaskClient, slug: str, **query: str) -> dict[str, Any]:
    answer = visitor.post(f"/lab/{slug}/run", query_string=query)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return collected(events(answer))
