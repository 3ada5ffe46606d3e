"""Accounts for attacks: they are thrown away, unless the operator names the one to attack."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from app.attacks.context import Account
from app.auth import admin
from app.auth.register import register
from app.infra.audit import Client
from app.infra.clock import Clock
from app.services import build
from config import Settings

# Nobody's address (RFC 5737): an attack from here may have used up this machine's registrations.
ATTACKER = Client(ip="192.0.2.1", user_agent="attack")


@contextmanager
def throwaway(settings: Settings) -> Iterator[Account]:
    """Open an account in the deployment's own database; erase it, and its sessions, afterwards.

    Raises:
        Refusal, SQLAlchemyError: when there can be none.

    """
    with throwaways(settings, 1) as (account,):
        yield account


@contextmanager
def throwaways(settings: Settings, count: int) -> Iterator[list[Account]]:
    """Open several accounts, as `throwaway` does.

    Raises:
        As `throwaway`; those that were opened are erased then.

    """
    services = build(settings, Clock())
    with ExitStack() as opened:
        opened.callback(services.redis.close)
        opened.callback(services.database.engine.dispose)
        accounts = []
        for _ in range(count):
            email = f"attack-{secrets.token_hex(8)}@example.com"
            account = Account(email, f"quarry {secrets.token_hex(8)} umbrella")
            user = register(services.auth, account.email, account.password, ATTACKER)
            opened.callback(admin.delete, services.auth, user)
            accounts.append(account)
        yield accounts
