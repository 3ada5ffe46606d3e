"""The HTML delivery."""

from __future__ import annotations

from flask import Flask

from app.pages import fragments, routes


def install(app: Flask) -> None:
    """Register pages and fragments."""
    app.register_blueprint(routes.blueprint)
    app.register_blueprint(fragments.blueprint)
