"""The HTML delivery."""

from __future__ import annotations

from typing import Final

from flask import Flask

from app.feature import Tab
from app.pages import fragments, routes
from config import Settings

TABS: Final = (
    Tab("Overview", "pages.account", "fragments.account"),
    Tab("Sessions", "pages.sessions", "fragments.sessions"),
    Tab("Password", "pages.password", "fragments.password"),
)


def install(app: Flask, settings: Settings, tabs: tuple[Tab, ...]) -> None:
    """Register pages and fragments; `tabs` follow Latchkey's own among the account pages."""
    app.jinja_env.globals.update(
        tabs=(*TABS, *tabs),
        product_name=settings.product_name,
        brand_css=settings.brand_css,
        brand_logo=settings.brand_logo,
    )
    app.register_blueprint(routes.blueprint)
    app.register_blueprint(fragments.blueprint)
