"""The HTML delivery."""

from __future__ import annotations

from typing import Final

from flask import Flask, url_for

from app.feature import Feature, Tab
from app.pages import fragments, routes
from config import Settings

TABS: Final = (
    Tab("Overview", "pages.account", "fragments.account"),
    Tab("Sessions", "pages.sessions", "fragments.sessions"),
    Tab("Password", "pages.password", "fragments.password"),
)


def install(app: Flask, settings: Settings, features: tuple[Feature, ...]) -> None:
    """Register pages and fragments.

    The tabs of `features` follow Latchkey's own among the account pages. The script of a fragment
    may be in Latchkey's static folder or in that of a feature's blueprint.
    """
    blueprints = [one for feature in features for one in feature.blueprints]
    static = ["static", *(f"{one.name}.static" for one in blueprints if one.has_static_folder)]
    app.jinja_env.globals.update(
        tabs=(*TABS, *(tab for feature in features for tab in feature.tabs)),
        static_folders=lambda: [url_for(endpoint, filename="") for endpoint in static],
        product_name=settings.product_name,
        brand_css=settings.brand_css,
        brand_logo=settings.brand_logo,
    )
    app.register_blueprint(routes.blueprint)
    app.register_blueprint(fragments.blueprint)
