"""The pages: HTML for browsers. `create_app` installs them.

`routes` has the pages and their forms; `fragments` has the content of the account pages.
"""

from __future__ import annotations

from typing import Final

from flask import Flask

from app.accounts.password_policy import MAX_PASSWORD_BYTES
from app.feature import Feature, Tab
from app.pages import email_pages, fragments, register_pages, reset_pages, routes, secure_pages
from app.web.cookies import has_refresh
from config import Settings

TABS: Final = (
    Tab("Overview", "pages.account", "fragments.account"),
    Tab("Sessions", "pages.sessions", "fragments.sessions"),
    Tab("Activity", "pages.activity", "fragments.activity"),
    Tab("Password", "pages.password", "fragments.password"),
    Tab("E-mail", "email.account", "fragments.email"),
    Tab("Your data", "pages.data", "fragments.data"),
)


def install(app: Flask, settings: Settings, features: tuple[Feature, ...]) -> None:
    """Register the pages and fragments, and pass the templates their settings.

    The tabs of `features` follow Latchkey's tabs.
    """
    product_tabs = tuple(tab for feature in features for tab in feature.tabs)
    app.jinja_env.globals.update(
        tabs=(*TABS, *product_tabs),
        product_tabs=product_tabs,
        mail_is_sent=settings.mail_url != "none",
        max_password_bytes=MAX_PASSWORD_BYTES,
        product_name=settings.product_name,
        brand_css=settings.brand_css,
        brand_logo=settings.brand_logo,
        seems_logged_in=has_refresh,
    )
    for module in (routes, fragments, register_pages, reset_pages, secure_pages, email_pages):
        app.register_blueprint(module.blueprint)
