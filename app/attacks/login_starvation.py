"""One address that takes every place in the queue for password hashes."""

from __future__ import annotations

from typing import Final

from app.attacks import defenses
from app.attacks.context import AttackContext
from app.attacks.login_flood import ACCOUNTS, FLOODERS, flood
from app.attacks.visitor import Visitor
from app.errors import Busy
from app.web.cookies import DEVICE

LOG_INS: Final = 10
MAX_REFUSED: Final = 1


def log_in_starvation(context: AttackContext) -> None:
    """Flood the log-in with right passwords, and log in as others do meanwhile."""
    owner = context.owner()  # this browser is known from here on
    context.say(f"{FLOODERS} connections from one address log in to {ACCOUNTS} accounts.")
    elsewhere = context.target.another_address()
    with flood(context) as counts:
        if elsewhere:
            stranger = context.browser("visitor")
            stranger.source = elsewhere
            _log_in_meanwhile(context, stranger, "from elsewhere, in browsers never seen before,")
        _log_in_meanwhile(context, owner, "in the owner's browser, from the flooding address,")
    if not elsewhere:
        context.say("There is only one address to come from, so only that browser was tried.")
    results = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
    context.say(f"The attacker's log-ins: {results}.")


def _log_in_meanwhile(context: AttackContext, visitor: Visitor, how: str) -> None:
    """Record whether the queue has a place for honest log-ins.

    Raises:
        Inconclusive: when a log-in is refused for another reason than the queue.

    """
    is_known, tried, refused = DEVICE in visitor.jar, 0, 0
    while tried < LOG_INS and refused <= MAX_REFUSED:
        if not is_known:
            visitor.jar.pop(DEVICE, None)
        answer = visitor.ask("POST", "/auth/login", context.account.credentials)
        tried += 1
        if answer.code == Busy.code:
            refused += 1
        else:
            context.works(answer, "An honest log-in meanwhile")
    text = f"{tried - refused} of {tried} log-ins {how} succeed meanwhile"
    context.found(text, defenses.HASH_QUEUE, held=refused <= MAX_REFUSED)
