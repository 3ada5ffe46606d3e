"""A product with a feature, as a test wants it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from flask import Blueprint, Flask
from sqlalchemy import Connection

from app import create_app, features
from app.feature import Feature
from app.infra.clock import Clock
from config import Settings
from tests.support.app import close


@contextmanager
def product(
    settings: Settings, clock: Clock, **exports: Callable[[Connection, str], object]
) -> Iterator[Flask]:
    """Run an application with a feature for each of `exports`, which it exports with that."""
    silent = Feature((Blueprint("silent", __name__),))
    found = [
        Feature((Blueprint(n, __name__),), export_rows=export) for n, export in exports.items()
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "load", lambda: (silent, *found))
        app = create_app(settings, clock)
    yield app
    close(app)
