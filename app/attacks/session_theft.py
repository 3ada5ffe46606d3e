"""Stolen tokens: with and without the key that their session is bound to."""

from __future__ import annotations

from app.attacks import defenses
from app.attacks.context import AttackContext
from app.attacks.visitor import Visitor


def refresh_token_theft(context: AttackContext) -> None:
    """Copy the refresh token, let the owner go on, and come back with the copy."""
    owner, elsewhere, thief = context.owner(), context.owner(), context.thief()
    stolen = owner.refresh_token
    context.say("A copy of the refresh token is taken. The owner's open page refreshes.")
    context.works(owner.refresh(), "The owner's refresh")
    context.say("Days later the thief comes back with the copy.")
    context.ended(thief.refresh(stolen), "the stolen token", defenses.ROTATION)
    context.say("The server cannot tell who is the thief, so the session ends for both.")
    context.no_token(owner.me(), "its access token", defenses.DENYLIST)
    context.ended(owner.refresh(), "its newest refresh token", defenses.REFRESH)
    context.works(elsewhere.me(), "The owner's session on another device")
    _thief_first(context)


def _thief_first(context: AttackContext) -> None:
    owner, thief = context.owner(), context.thief()
    context.say("The other order: the thief refreshes first, and is in until the owner refreshes.")
    context.works(thief.refresh(owner.refresh_token), "The thief's refresh")
    context.ended(owner.refresh(), "the owner's token, spent by the thief", defenses.ROTATION)
    context.no_token(thief.me(), "the thief's access token", defenses.DENYLIST)
    context.ended(thief.refresh(), "the thief's refresh token", defenses.REFRESH)


def sidejacking(context: AttackContext) -> None:
    """Use tokens read on the network, without the key that the owner's browser keeps."""
    owner = context.owner(bound=True)
    if context.public_url.startswith("https:"):
        hsts = owner.ask("GET", "/").header("Strict-Transport-Security")
        held = "max-age=63072000" in hsts
        context.found(f"HSTS: {hsts}", defenses.STRICT_TRANSPORT, held=held)
    _stolen_access_token(context, owner)
    context.say("The newest refresh token, used without the key. The first use ends the session.")
    thief = context.thief()
    context.ended(thief.refresh(owner.refresh_token), "without proof", defenses.REFUSAL_REASON)
    context.ended(owner.refresh(), "the session is over", defenses.REFRESH)
    again, armed = context.owner(bound=True), context.thief(bound=True)
    armed.fetch_nonce()
    answer = armed.refresh(again.refresh_token)
    context.ended(answer, "with the thief's key", defenses.REFUSAL_REASON)
    context.no_token(again.me(), "the session is over", defenses.DENYLIST)


def _stolen_access_token(context: AttackContext, owner: Visitor) -> None:
    by, code = defenses.GUARD, "invalid_dpop_proof"
    context.say("The owner's session is bound to a key. Its access token was read on the network.")
    thief, armed = context.thief(), context.thief(bound=True)
    context.no_token(thief.me(owner.access), "as Bearer", by)
    bare = thief.ask("GET", "/api/me", headers={"Authorization": f"DPoP {owner.access}"})
    context.refused(bare, 401, code, "without proof", by)
    armed.fetch_nonce()
    context.refused(armed.me(owner.access), 401, code, "with the thief's key", by)
    context.works(owner.me(), "The owner's request")
