"""Running one attack for the lab: against this server, or against a weakened instance."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import ClassVar, Final

from app.attacks.attacked_account import Account
from app.attacks.record import Record
from app.attacks.run import Run, run
from app.attacks.target import Forbidden, Target
from app.attacks.throwaway_accounts import throwaway
from app.auth import admin
from app.auth.register import register
from app.dev.lab import log_copy
from app.dev.lab.run_store import RunStore
from app.dev.lab.weakened import variants_of
from app.dev.lab.weakened_instance import InstanceError, weakened_instance
from app.errors import NotFound, Refusal
from app.services import services
from app.web.client import client
from config import Settings

RETRY_SECONDS: Final = 5
KEPT_SECONDS: Final = 600
EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not bound


class LabBusy(Refusal):
    """Another attack runs; the two would use up each other's limits."""

    status = 409
    code: ClassVar[str] = "lab_busy"
    title: ClassVar[str] = "Another attack is running"
    detail = "Another attack is running. Try again when it is done."


def here(slug: str, store: RunStore) -> Run:
    """Attack this very server, over its own port.

    Raises:
        LabBusy, and whatever stands in the way of a throwaway account.

    """
    settings = services().settings
    with _alone(store):
        try:
            target = Target(own_url(settings), settings, log_copy.begin(settings))
        except Forbidden as error:
            return _inconclusive(slug, error)
        return _attack(slug, target)


def weakened(slug: str, store: RunStore) -> Run:
    """Attack a weakened instance of this server, which lacks one defense.

    Raises:
        As `here`.

    """
    with _alone(store):
        try:
            with weakened_instance(variants_of(slug)[0].name, services().settings) as target:
                return _attack(slug, target)
        except InstanceError as error:
            return _inconclusive(slug, error)


def open_account(store: RunStore) -> Account:
    """Open an account for a run in a browser, and erase those that earlier ones left behind.

    Raises:
        As registering does.

    """
    now = services().clock.now()
    for email in store.left_over(now):
        erase(email, store)
    email = f"lab-{secrets.token_hex(8)}@example.com"
    account = Account(email, f"quarry {secrets.token_hex(8)} umbrella")
    store.remember(email, now + KEPT_SECONDS)
    register(services().auth, email, account.password, client())
    return account


def erase(email: str, store: RunStore) -> None:
    """Erase an account that a browser's run opened."""
    auth = services().auth
    with suppress(NotFound):
        admin.delete(auth, admin.find_user(auth, email))
    store.erased(email)


def own_url(settings: Settings) -> str:
    """Return where this server listens, as it is reached from this machine."""
    host = EVERYWHERE.get(settings.host, settings.host)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def _attack(slug: str, target: Target) -> Run:
    with throwaway(target.settings) as account:
        return run(slug, target, account)


def _inconclusive(slug: str, error: Exception) -> Run:
    return Run(slug, "inconclusive", Record(), 0, str(error))


@contextmanager
def _alone(store: RunStore) -> Iterator[None]:
    with store.alone() as mine:
        if not mine:
            raise LabBusy(retry_after=RETRY_SECONDS)
        yield
