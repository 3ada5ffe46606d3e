"""A refresh token of the attacker in the victim's browser."""

from __future__ import annotations

from secrets import token_urlsafe

from app.attacks import defenses
from app.attacks.context import AttackContext
from app.attacks.visitor import Visitor
from app.web.cookies import REFRESH


def session_fixation(context: AttackContext) -> None:
    """Make the victim's browser go on in a session that the attacker knows."""
    owner, attacker = context.owner(), context.owner()
    attacker.who = "attacker"
    _two_cookies(context, owner, attacker)
    context.say("The victim logs in while the browser holds the attacker's cookie.")
    victim = context.browser("victim")
    victim.jar[REFRESH], planted = attacker.refresh_token, attacker.sid
    victim.log_in(context.account)
    by = defenses.LOG_IN
    context.found("the session after it is a new one", by, held=victim.sid != planted)
    context.no_token(attacker.me(), "the attacker's access token", by)
    context.ended(attacker.refresh(), "the planted session", by)
    context.say("A token that the attacker made up is not accepted.")
    answer = context.thief().refresh(token_urlsafe(200))
    context.ended(answer, "a made-up token", defenses.TOKEN_FORM)


def _two_cookies(context: AttackContext, owner: Visitor, attacker: Visitor) -> None:
    context.say("A second refresh cookie was planted: before the owner's, then after it.")
    ours, planted = owner.refresh_token, attacker.refresh_token
    for first, second in ((planted, ours), (ours, planted)):
        both = f"{REFRESH}={first}; {REFRESH}={second}"
        answer = context.browser("owner").ask("POST", "/auth/refresh", headers={"Cookie": both})
        context.refused(answer, 400, "invalid_request", "two cookies", defenses.COOKIE_READER)
    context.say("Both tokens still work: the refused requests used neither up.")
    context.works(attacker.refresh(), "The attacker's refresh")
    context.works(owner.refresh(), "The owner's refresh")
