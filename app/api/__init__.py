"""The JSON delivery."""

from __future__ import annotations

from flask import Flask

from app.api import account, health, session


def install(app: Flask) -> None:
    """Register the JSON endpoints."""
    for blueprint in (session.blueprint, account.blueprint, health.blueprint):
        app.register_blueprint(blueprint)
