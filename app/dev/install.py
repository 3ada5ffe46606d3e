"""What development adds to the application: the mailbox and the lab."""

from __future__ import annotations

from flask import Flask

from app.dev.lab import attacker_site, cards, log_copy, recorder, run_endpoints
from app.dev.lab.run_store import RunStore
from app.dev.mailbox import pages as mailbox
from app.services import MAILBOX, Services, redis_prefix
from app.services import NAME as SERVICES


def install(app: Flask) -> None:
    """Add the mailbox and the lab to `app`, with the attacker site and the recorder in front."""
    services: Services = app.extensions[SERVICES]
    settings = services.settings
    store = RunStore(services.redis, redis_prefix(settings))
    app.extensions[run_endpoints.NAME] = store
    mailbox.install(app, settings.instance / MAILBOX)
    app.jinja_env.globals["lab"] = True
    app.register_blueprint(cards.blueprint)
    app.register_blueprint(run_endpoints.blueprint)
    log_copy.keep(settings)
    site = attacker_site.build(settings.public_url, store, services.nonce)
    recorder.install(app, store, site)
