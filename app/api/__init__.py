"""The JSON delivery."""

from __future__ import annotations

from flask import Flask

from app.api import account, health, openapi, session


def install(app: Flask) -> None:
    """Register the JSON endpoints."""
    for module in (session, account, health, openapi):
        app.register_blueprint(module.blueprint)
