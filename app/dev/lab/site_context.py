"""What the pages of the attacker site share: their address, the open run, the two origins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

from flask import abort, current_app, request

from app.attacks.attacked_account import Account
from app.dev.lab.run_store import RunStore

ATTACKER_SITE: Final = "/lab/attacker-site/"
EXTENSION: Final = "latchkey-attacker-site"
RUN: Final = "lab_run"


@dataclass(frozen=True)
class SiteContext:
    """The origin of the real site, that of the attacker, the run store, and a source of nonces."""

    public_url: str
    attacker: str
    store: RunStore
    nonce: Callable[[], str]


def site() -> SiteContext:
    """Return the context of the current attacker site."""
    return cast("SiteContext", current_app.extensions[EXTENSION])


def current_run() -> str:
    """Return the number of the run that a request names; an empty string without one."""
    return request.args.get(RUN, "")


def current_account() -> Account:
    """Return the account of the run that a request names; answer 404 when none is open."""
    return site().store.account(current_run()) or abort(404)


def require_origin(origin: str) -> None:
    """Answer 404 unless the request was sent to `origin`."""
    if request.host_url.rstrip("/") != origin:
        abort(404)
