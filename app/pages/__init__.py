"""The HTML delivery."""

from __future__ import annotations

from typing import Final

from flask import Flask

from app.feature import Tab
from app.pages import fragments, routes

TABS: Final = (
    Tab("Overview", "pages.account", "fragments.account"),
    Tab("Sessions", "pages.sessions", "fragments.sessions"),
    Tab("Password", "pages.password", "fragments.password"),
)


def install(app: Flask, tabs: tuple[Tab, ...] = ()) -> None:
    """Register pages and fragments; `tabs` follow Latchkey's own among the account pages."""
    app.jinja_env.globals["tabs"] = (*TABS, *tabs)
    app.register_blueprint(routes.blueprint)
    app.register_blueprint(fragments.blueprint)
