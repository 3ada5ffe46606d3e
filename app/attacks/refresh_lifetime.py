"""Refresh tokens that live for long, or can be used more than once."""

from __future__ import annotations

from typing import Final

from app.attacks import defenses
from app.attacks.context import AttackContext
from app.attacks.forge import read
from app.attacks.visitor import Visitor
from app.signing import REFRESH_KEY

REFRESHES: Final = 3
LONG_LIVES_DAYS: Final = (31, 365)
DAY_SECONDS: Final = 86400


def long_refresh_without_rotation(context: AttackContext) -> None:
    """Look for a refresh token that stays valid for long, or after its use."""
    owner = context.owner()
    context.say("Each refresh must bring a new token and end the one before.")
    seen = [owner.refresh_token]
    for _ in range(REFRESHES):
        context.works(owner.refresh(), "A refresh")
        seen.append(owner.refresh_token)
    unique = len(set(seen)) == len(seen)
    context.found("every refresh token is new", defenses.ROTATION, held=unique)
    context.say("The newest token with a longer life, signed with the right key.")
    for days in LONG_LIVES_DAYS:
        answer = context.thief().refresh(_prolonged(context, owner, days))
        context.ended(answer, f"a life of {days} days", defenses.TOKEN_CLAIMS)
    context.works(owner.refresh(), "The owner's unchanged token")
    context.say("The first token again.")
    context.ended(context.thief().refresh(seen[0]), "the first token", defenses.ROTATION)


def _prolonged(context: AttackContext, owner: Visitor, days: int) -> str:
    claims = {"exp": read(owner.refresh_token)[1]["iat"] + days * DAY_SECONDS}
    key = context.forge.key(REFRESH_KEY)
    return context.forge.changed(owner.refresh_token, claims=claims, key=key)
