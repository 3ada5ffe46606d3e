"""Put the application together: each step says why it stands where it stands."""

from __future__ import annotations

from typing import Final

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app import api, cli, features, pages
from app.cli import migrations
from app.infra import logs
from app.infra.clock import Clock
from app.services import NAME, build
from app.web import csrf, guards, headers, origin, problems, static_files
from config import BODY_BYTES, ROOT, Settings

MAX_FORM_PARTS: Final = 32


def compose(settings: Settings, clock: Clock) -> Flask:
    """Build the application from checked `settings`; nothing connects before the first request."""
    logs.install()
    app = _flask(settings)
    loaded = features.load()
    services = build(settings, clock, loaded)
    app.extensions[NAME] = services
    # The first handler of a request, because a cross-site request must not consume anything.
    origin.install(app, settings.public_url, behind_proxy=settings.behind_proxy)
    guards.install(app)
    csrf.install(app)
    problems.install(app)
    headers.install(app, settings, services.nonce)
    app.context_processor(lambda: {"dpop_nonce": services.nonce})
    api.install(app, _openapi)
    # Before the pages, so that a feature may replace one by its own route with the same path.
    features.install(app, loaded)
    pages.install(app, settings, loaded)
    cli.install(app)
    migrations.install(app, services.database)
    # After the features, whose blueprints have static folders too.
    static_files.install(app, development=settings.env == "development")
    # The outermost layer, so that everything inside sees the client's address, not the proxy's.
    if hops := settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    return app


def _flask(settings: Settings) -> Flask:
    app = Flask(
        "app",
        template_folder=str(ROOT / "templates"),
        static_folder=None,  # see `static_files.install`
        instance_path=str(settings.instance),
    )
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=BODY_BYTES,
        MAX_FORM_PARTS=MAX_FORM_PARTS,
        PROVIDE_AUTOMATIC_OPTIONS=False,
    )
    return app


def _openapi(app: Flask) -> bytes:
    from app.contract.openapi import document  # noqa: PLC0415 - loaded on the first request for it

    return document(app)
