"""Cookies with quotes around the refresh cookie."""

from __future__ import annotations

from typing import Final

from app.attacks import defenses
from app.attacks.context import AttackContext
from app.web.cookies import REFRESH

AROUND: Final = (('a="', 'z="'), ('a="', ""), ("a='", "z='"), ('a=\\"', 'z="'))


def swallowed_cookie(context: AttackContext) -> None:
    """Put cookies of a sibling host before and after the refresh cookie."""
    owner = context.owner()
    context.say("A sibling host sets cookies for the whole domain: quotes that open and close.")
    for before, after in AROUND:
        cookies = "; ".join(filter(None, (before, f"{REFRESH}={owner.refresh_token}", after)))
        answer = owner.ask("POST", "/auth/refresh", headers={"Cookie": cookies})
        text = f"beside {before} {after}: the session goes on"
        if not context.found(text, defenses.COOKIE_PARSER, held=owner.adopt(answer)):
            return
    context.works(owner.me(), "The owner's request")
