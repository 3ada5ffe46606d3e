"""Accounts that exist for the time of an attack."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from app.attacks.attacked_account import Account
from app.auth import admin
from app.infra.clock import Clock
from app.services import build
from config import Settings


@contextmanager
def throwaway(settings: Settings) -> Iterator[Account]:
    """Open an account in the deployment's database; erase it and its sessions afterwards.

    Raises:
        Refusal, SQLAlchemyError: when the account cannot be opened.

    """
    with throwaways(settings, 1) as (account,):
        yield account


@contextmanager
def throwaways(settings: Settings, count: int) -> Iterator[list[Account]]:
    """Open several accounts, as `throwaway` does.

    Raises:
        Refusal, SQLAlchemyError: when an account cannot be opened; the others are erased.

    """
    services = build(settings, Clock())
    with ExitStack() as opened:
        opened.callback(services.redis.close)
        opened.callback(services.database.engine.dispose)
        accounts = []
        for _ in range(count):
            email = f"attack-{secrets.token_hex(8)}@example.com"
            account = Account(email, f"quarry {secrets.token_hex(8)} umbrella")
            user = admin.create(services.auth, account.email, account.password)
            opened.callback(admin.delete, services.auth, user)
            accounts.append(account)
        yield accounts
