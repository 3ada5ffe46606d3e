"""Tokens and proofs that were valid once, presented again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from app.attacks import defenses
from app.attacks.answer import Answer
from app.attacks.context import AttackContext
from app.attacks.control import forgeable_owner
from app.attacks.visitor import NEWER_NONCE, Visitor

PROOF_CODES: Final = frozenset({"invalid_dpop_proof", NEWER_NONCE})
UNAUTHORIZED: Final = 401
MONTH_SECONDS: Final = 30 * 86400
PATH: Final = "/api/me"


def replay(context: AttackContext) -> None:
    """Present tokens after their time, after their rotation and after the log-out."""
    owner = forgeable_owner(context)
    _out_of_time(context, owner)
    context.say("The refresh token before the newest one, presented by somebody else.")
    first = owner.refresh_token
    context.works(owner.refresh(), "The owner's refresh")
    context.ended(context.thief().refresh(first), "a spent refresh token", defenses.ROTATION)
    context.say("The access token of a session that was logged out.")
    again = context.owner()
    context.works(again.protected("POST", "/auth/logout"), "The log-out")
    context.no_token(again.me(), "after the log-out", defenses.DENYLIST)
    _replayed_proofs(context)


def _out_of_time(context: AttackContext, owner: Visitor) -> None:
    now, by = int(time.time()), defenses.TOKEN_CLAIMS
    context.say("The owner's access token with other times, signed with the right key.")
    expired = {"iat": now - 700, "exp": now - 100, "auth_time": now - 700}
    context.no_token(_changed(context, owner, expired), "expired", by)
    later = {"iat": now + 300, "exp": now + 600}
    context.no_token(_changed(context, owner, later), "issued in the future", by)
    for exp in (now + MONTH_SECONDS, str(now + 60), float(now + 60), True, None):
        answer = _changed(context, owner, {"exp": exp})
        context.no_token(answer, f"exp as {type(exp).__name__} {exp}", by)


def _changed(context: AttackContext, owner: Visitor, claims: Mapping[str, object]) -> Answer:
    return owner.me(context.forge.changed(owner.access, claims=dict(claims)))


def _replayed_proofs(context: AttackContext) -> None:
    context.say("A bound session: a captured proof is sent again, and for other requests.")
    bound = context.owner(bound=True)
    proof = bound.prove("GET", PATH, bound.access)
    context.works(_with_proof(bound, proof), "The first use")
    wrong = (
        ("the same proof again", proof, defenses.DENYLIST),
        ("for another path", bound.prove("GET", "/auth/sessions", bound.access), defenses.PROOF),
        ("for another method", bound.prove("POST", PATH, bound.access), defenses.PROOF),
        ("for another token", bound.prove("GET", PATH, bound.access + "x"), defenses.PROOF),
        ("without a nonce", bound.prove("GET", PATH, bound.access, nonce=None), defenses.PROOF),
    )
    for what, text, by in wrong:
        answer = _with_proof(bound, text)
        held = answer.status == UNAUTHORIZED and answer.code in PROOF_CODES
        context.found(f"{what}: {answer.status} {answer.code}", by, held=held)


def _with_proof(bound: Visitor, proof: str) -> Answer:
    headers = {"Authorization": f"DPoP {bound.access}", "DPoP": proof}
    return bound.ask("GET", PATH, headers=headers)
