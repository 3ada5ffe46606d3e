"""A client of Latchkey with a feature that has static files."""

from collections.abc import Callable
from typing import Final

from flask import url_for
from werkzeug.test import TestResponse

from tests.support.client import Client

LASTING: Final = "public, max-age=31536000, immutable"
SCRIPT: Final = b"export const words = 'many of the same words';\n" * 40
Build = Callable[..., Client]


def address(client: Client, filename: str = "js/session.js", endpoint: str = "static") -> str:
    with client.app.test_request_context():
        return url_for(endpoint, filename=filename)


def notes(client: Client, filename: str = "notes.js") -> str:
    return address(client, filename, "notes.static")


def get(client: Client, path: str, **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.ask("GET", path, headers=named)


def refused(answer: TestResponse, status: int) -> None:
    """Check that an answer is an error that nobody stores, for a year or at all."""
    assert answer.status_code == status
    assert answer.headers.getlist("Cache-Control") == ["no-store"]
