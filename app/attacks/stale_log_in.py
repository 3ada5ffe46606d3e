"""A session that somebody else found open, and what it can do to the owner's other sessions."""

from __future__ import annotations

import time
from typing import Final

from app.attacks import defenses
from app.attacks.context import AttackContext
from app.attacks.control import forgeable_owner
from app.attacks.forge import read
from app.attacks.visitor import Visitor

HOUR_SECONDS: Final = 3600
STALE: Final = "insufficient_user_authentication"
EVERYWHERE: Final = "/auth/logout-everywhere"


def stale_log_in(context: AttackContext) -> None:
    """End the owner's other sessions from one in which the password was given an hour ago."""
    owner, phone = forgeable_owner(context), context.owner()
    phone.who = "owner's phone"
    phone_path = f"/auth/sessions/{phone.sid}"
    context.say("A control: a token with an earlier log-in is accepted where none is asked for.")
    stale = _stale_token(context, owner)
    context.works(owner.me(stale), "A request with the earlier log-in")
    context.say("Somebody finds the owner's browser open and ends the owner's other sessions.")
    for method, path in (("DELETE", phone_path), ("POST", EVERYWHERE)):
        answer = owner.protected(method, path, token=stale)
        if not context.refused(answer, 401, STALE, f"{method} {path}", defenses.STEP_UP):
            return
    context.works(phone.me(), "The owner's phone")
    context.say("They guess the password that the page asks for, and refresh.")
    body = {"password": "a guess"}
    answer = owner.protected("POST", "/auth/reauthenticate", body, token=stale)
    context.refused(answer, 403, "wrong_password", "a guess", defenses.REAUTHENTICATION)
    _refresh(context, owner)
    context.say("The owner gives the password, and ends the session of the phone.")
    body = {"password": context.account.password}
    answer = owner.protected("POST", "/auth/reauthenticate", body, token=stale)
    context.works(answer, "The owner's password")
    owner.adopt(answer)
    context.works(owner.protected("DELETE", phone_path), "The end of the phone's session")


def _stale_token(context: AttackContext, owner: Visitor) -> str:
    claims = {"auth_time": int(time.time()) - HOUR_SECONDS}
    return context.forge.changed(owner.access, claims=claims)


def _refresh(context: AttackContext, owner: Visitor) -> None:
    """Record whether the time of the log-in is the same after a refresh in a later second."""
    before = read(owner.access)[1]["auth_time"]
    time.sleep(1.1)
    context.works(owner.refresh(), "The refresh")
    same = read(owner.access)[1]["auth_time"] == before
    context.found("a refresh leaves the time of the log-in", defenses.AUTH_TIME, held=same)
