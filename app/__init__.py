"""Latchkey: JWT sessions for Flask. Start reading at `app/auth/__init__.py`.

`wsgi.py` and the tests call `create_app`; `app.composition` puts the application together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.infra.clock import Clock
    from config import Settings


def create_app(settings: Settings, clock: Clock | None = None) -> Flask:
    """Build the application from checked `settings`. Nothing connects before the first request.

    Tests pass a `clock` that they can set; the default is the clock of the machine.
    """
    # Not at the top: `config.py` imports `app.settings`, for which Flask must not be loaded.
    from app.composition import compose  # noqa: PLC0415
    from app.infra.clock import Clock  # noqa: PLC0415

    return compose(settings, clock or Clock())
