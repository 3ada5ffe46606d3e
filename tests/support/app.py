"""The application in this process: build it, reach into it, close it."""

import threading
from collections import UserDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Final

from flask import Flask
from sqlalchemy import Engine, create_engine
from werkzeug.routing import Rule

from app import create_app
from app.families import queries
from app.families.models import Family
from app.infra.clock import Clock
from app.services import NAME, Services
from config import Settings
from tests.support.clock import SettableClock
from tests.support.processes import wait_until
from tests.support.servers.valkey import ValkeyServer

# https as deployed, under a name that every machine resolves to itself.
PUBLIC_URL: Final = "https://localhost"


class SharedRule(Rule):
    """A URL rule whose URL builder is compiled once per process, not once per application.

    Werkzeug compiles two functions for each rule, which is two thirds of `create_app`. They depend
    on the rule's text and on its converters, which are the same in every application here.
    """

    _compiled: ClassVar[dict[tuple[str, bool], Callable[..., tuple[str, str]]]] = {}

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:  # noqa: FBT001, FBT002 - Werkzeug's own
        key = (self.rule, append_unknown)
        if key not in self._compiled:
            self._compiled[key] = super()._compile_builder(append_unknown)
        return self._compiled[key]


class SharedStatements(UserDict[tuple[Any, ...], Any]):
    """Compiled SQL for all engines of a kind; SQLAlchemy keeps it for each engine alone."""

    def __getitem__(self, key: tuple[Any, ...]) -> Any:  # noqa: ANN401 - SQLAlchemy's own
        dialect, *rest = key
        return super().__getitem__((type(dialect), *rest))

    def __setitem__(self, key: tuple[Any, ...], compiled: object) -> None:
        dialect, *rest = key
        super().__setitem__((type(dialect), *rest), compiled)


STATEMENTS: Final = SharedStatements()


def shared_statements(*what: Any, **how: Any) -> Engine:  # noqa: ANN401 - create_engine's own
    """Return an engine, as SQLAlchemy's `create_engine` does."""
    engine = create_engine(*what, **how)
    engine._compiled_cache = STATEMENTS  # noqa: SLF001 - no public way
    return engine


def services(app: Flask) -> Services:
    found: Services = app.extensions[NAME]
    return found


def clock_of(app: Flask) -> SettableClock:
    clock = services(app).clock
    assert isinstance(clock, SettableClock)
    return clock


@contextmanager
def running(
    environment: dict[str, str], clock: Clock | None = None, **changed: str
) -> Iterator[Flask]:
    app = create_app(Settings.from_env(environment | changed), clock)
    yield app
    close(app)


def repairs() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "denylist-repair"]


def settle(own: Services, valkey: ValkeyServer) -> None:
    """Let an application's own threads end, and give its connections back."""
    if repairs():
        valkey.make_sound()
        wait_until(lambda: not repairs(), what="the end of the repair")
    own.database.engine.dispose()
    own.redis.close()


def close(app: Flask) -> None:
    services(app).database.engine.dispose()
    services(app).redis.close()


def family_of(app: Flask, family_id: str) -> Family:
    found = services(app).database.read(queries.find, family_id)
    assert found is not None
    return found
