"""The attacker site: the attacker's pages, and weakened pages on which they succeed.

It is an application in front of the real one, so that the real one needs no exception to its
rules of host, origin and headers. The attacker's pages answer only under the other name of this
machine (127.0.0.1 for localhost), which browsers take for another site; the weakened pages answer
under ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from flask import Flask

from app.dev.lab import attacker_pages, weakened_pages
from app.dev.lab.run_store import RunStore
from app.dev.lab.site_context import EXTENSION, SiteContext

MAX_SAID_BYTES: Final = 16 * 1024
OTHER_NAME: Final = {"localhost": "127.0.0.1", "127.0.0.1": "localhost"}


def attacker_origin(public_url: str) -> str:
    """Return this machine's origin under its other name; an empty string when it has none."""
    name = urlsplit(public_url).hostname or ""
    other = OTHER_NAME.get(name)
    return public_url.replace(f"//{name}", f"//{other}", 1) if other else ""


def build(public_url: str, store: RunStore, nonce: Callable[[], str]) -> Flask:
    """Build the attacker site in front of the application at `public_url`."""
    site = Flask(__name__, template_folder="templates", static_folder=None)
    site.config.update(MAX_CONTENT_LENGTH=MAX_SAID_BYTES)
    attacker = attacker_origin(public_url)
    site.extensions[EXTENSION] = SiteContext(public_url, attacker, store, nonce)
    site.register_blueprint(attacker_pages.blueprint)
    site.register_blueprint(weakened_pages.blueprint)
    return site
