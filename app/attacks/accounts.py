"""The account an attack is tried on: one that is thrown away, unless the operator names one."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from app.attacks.stage import Account
from app.audit import Client
from app.clock import Clock
from app.services import build
from config import Settings

ATTACKER = Client(ip="127.0.0.1", user_agent="attack")


@contextmanager
def throwaway(settings: Settings) -> Iterator[Account]:
    """Open an account in the deployment's own database; erase it, and its sessions, afterwards.

    Raises:
        Refusal, SQLAlchemyError: when there can be none.

    """
    own = build(settings, Clock())
    email = f"attack-{secrets.token_hex(8)}@example.com"
    account = Account(email, f"quarry {secrets.token_hex(8)} umbrella")
    try:
        user = own.auth.register(account.email, account.password, ATTACKER)
        try:
            yield account
        finally:
            own.admin.delete(user)
    finally:
        own.database.engine.dispose()
        own.redis.close()
