"""Latchkey: JWT sessions for Flask. Start reading at `app/auth.py`."""

from __future__ import annotations

from functools import partial
from typing import Final

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app import api, cli, logs, migrations, pages
from app.clock import Clock
from app.extensions import csrf
from app.services import NAME, build
from app.web import guards, headers, origin, problems, sessions
from config import ROOT, Settings

MOST_BODY_BYTES: Final = 64 * 1024
MAX_FORM_PARTS: Final = 32
FORM_SECONDS: Final = 3600


def create_app(settings: Settings, clock: Clock | None = None) -> Flask:
    """Build the application: the composition root, without logic of its own."""
    logs.install()
    app = Flask(
        __name__,
        template_folder=str(ROOT / "templates"),
        static_folder=None,  # its route would come before the setting that shuts OPTIONS
        instance_path=str(settings.instance),
    )
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=MOST_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=MOST_BODY_BYTES,
        MAX_FORM_PARTS=MAX_FORM_PARTS,
        PROVIDE_AUTOMATIC_OPTIONS=False,
        WTF_CSRF_TIME_LIMIT=FORM_SECONDS,
        # Pages ask for it themselves; the API's path has the origin rule and no form.
        WTF_CSRF_CHECK_DEFAULT=False,
        # The origin rule looks at every request; a Referer may be missing for good reasons.
        WTF_CSRF_SSL_STRICT=False,
    )
    own = build(settings, clock or Clock())
    app.extensions[NAME] = own
    origin.install(app, settings.public_url, behind_proxy=settings.behind_proxy)
    guards.install(app)
    sessions.install(app)
    csrf.init_app(app)
    migrations.install(app, own.database)
    problems.install(app)
    headers.install(app, https=settings.public_url.startswith("https:"), nonce=own.nonce)
    app.context_processor(lambda: {"dpop_nonce": own.nonce})
    api.install(app)
    pages.install(app)
    cli.install(app)
    app.static_folder = str(ROOT / "static")
    static = guards.public(partial(app.send_static_file))
    app.add_url_rule("/static/<path:filename>", "static", static)
    if settings.env == "development":
        from app.lab import routes as lab  # noqa: PLC0415 - elsewhere no line of it is in the process

        lab.install(app, own)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    return app
