"""The two sides of a card: an attack on this server, and on a weakened instance of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Final

from app.attacks.record import Record
from app.attacks.run import Run, run
from app.attacks.target import Forbidden, Target
from app.attacks.throwaway_accounts import throwaway
from app.dev.lab import log_copy
from app.dev.lab.run_store import RunStore
from app.dev.lab.weakened import variants_of
from app.dev.lab.weakened_instance import InstanceError, weakened_instance
from app.errors import Refusal
from app.services import services
from config import Settings

RETRY_SECONDS: Final = 5
EVERY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not bound


class LabBusy(Refusal):
    """Another attack runs; two would use up each other's limits."""

    status = 409
    code: ClassVar[str] = "lab_busy"
    title: ClassVar[str] = "Another attack is running"
    detail = "Another attack is running. Try again when it is done."


def here(slug: str, store: RunStore) -> Run:
    """Attack this server over its own port.

    Raises:
        LabBusy: when another attack runs.
        Refusal, SQLAlchemyError: when a throwaway account cannot be opened.

    """
    settings = services().settings
    with _alone(store):
        try:
            target = Target(own_url(settings), settings, log_copy.begin(settings))
        except Forbidden as error:
            return _inconclusive(slug, error)
        return _attack(slug, target)


def weakened(slug: str, store: RunStore) -> Run:
    """Attack an instance of this server with the entry's first weakened variant.

    Raises:
        LabBusy: when another attack runs.
        Refusal, SQLAlchemyError: when a throwaway account cannot be opened.

    """
    with _alone(store):
        try:
            with weakened_instance(variants_of(slug)[0].name, services().settings) as target:
                return _attack(slug, target)
        except InstanceError as error:
            return _inconclusive(slug, error)


def own_url(settings: Settings) -> str:
    """Return where this server listens, as this machine reaches it."""
    host = EVERY_ADDRESS.get(settings.host, settings.host)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def _attack(slug: str, target: Target) -> Run:
    with throwaway(target.settings) as account:
        return run(slug, target, account)


def _inconclusive(slug: str, error: Exception) -> Run:
    return Run(slug, "inconclusive", Record(), 0, str(error))


@contextmanager
def _alone(store: RunStore) -> Iterator[None]:
    with store.alone() as is_alone:
        if not is_alone:
            raise LabBusy(retry_after=RETRY_SECONDS)
        yield
