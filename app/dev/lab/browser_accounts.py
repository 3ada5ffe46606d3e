"""The throwaway accounts of runs in browsers."""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import Final

from app.attacks.attacked_account import Account
from app.auth import admin
from app.dev.lab.run_store import RunStore
from app.errors import NotFound
from app.services import services

KEPT_SECONDS: Final = 600


def open_account(store: RunStore) -> Account:
    """Open an account for a run, and erase those of earlier runs that did not end.

    An operator's way, because a run has no mailbox.

    """
    now = services().clock.now()
    for email in store.left_over(now):
        erase(email, store)
    email = f"lab-{secrets.token_hex(8)}@example.com"
    account = Account(email, f"quarry {secrets.token_hex(8)} umbrella")
    store.remember(email, now + KEPT_SECONDS)
    admin.create(services().auth, email, account.password)
    return account


def erase(email: str, store: RunStore) -> None:
    """Erase an account of a run; one that is erased already is no error."""
    auth = services().auth
    with suppress(NotFound):
        admin.delete(auth, admin.find_user(auth, email))
    store.forget(email)
