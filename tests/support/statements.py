"""The statements that an application sends to its database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import event

from tests.support.app import services


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """Collect them, inside the `with` block."""
    sent: list[str] = []

    def note(_c: Any, _u: Any, statement: str, *_: Any) -> None:  # noqa: ANN401 - SQLAlchemy's own
        sent.append(statement)

    engine = services(app).database.engine
    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)
