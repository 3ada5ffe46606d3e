"""Accounts that are there before a test begins: made as an operator makes them, in this process.

So no mail is read and no request is sent; tests of registration do both.
"""

from collections.abc import Iterable

from flask import Flask

from app.accounts.models import User
from app.auth import admin
from app.infra.clock import Clock
from app.services import build
from config import Settings
from tests.support.app import services
from tests.support.servers.gunicorn import GunicornServer

Site = Flask | GunicornServer | Settings
"""The application itself, or a server or its settings, whose database gets the accounts."""


def create_account(site: Site, email: str, password: str) -> User:
    """Open an account with a password that the site accepts."""
    (user,) = create_accounts(site, [email], password)
    return user


def create_accounts(site: Site, emails: Iterable[str], password: str) -> list[User]:
    """Open several accounts with one password."""
    if isinstance(site, Flask):
        return [admin.create(services(site).auth, email, password) for email in emails]
    settings = site if isinstance(site, Settings) else site.settings
    own = build(settings, Clock())
    try:
        return [admin.create(own.auth, email, password) for email in emails]
    finally:
        own.database.engine.dispose()
        own.redis.close()
