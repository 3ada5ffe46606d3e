"""What development adds to the application."""

from __future__ import annotations

from flask import Flask

from app.dev.lab import lab_routes


def install(app: Flask) -> None:
    """Add the lab to `app`."""
    lab_routes.install(app)
