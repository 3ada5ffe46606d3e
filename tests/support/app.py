"""The application in this process: build it, reach into it, close it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar, Final

from flask import Flask
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
