"""The JSON delivery."""

from __future__ import annotations

from flask import Flask

from app.api import account, health, session
from app.extensions import csrf


def install(app: Flask) -> None:
    """Register the JSON endpoints; the origin rule guards them instead of form tokens."""
    for blueprint in (session.blueprint, account.blueprint, health.blueprint):
        csrf.exempt(blueprint)
        app.register_blueprint(blueprint)
