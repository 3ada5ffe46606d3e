"""Attacks on what happens to a session over time: theft, races, changes of password."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from secrets import token_urlsafe
from threading import Barrier
from typing import Final

from redis import Redis, RedisError

from app.attacks.context import NEWER_NONCE, OK, AttackContext, Inconclusive, Visitor
from app.attacks.forge import read
from app.families.replay_cache import replay_key
from app.services import REFRESH_KEY, denylist_keys, redis_prefix
from app.web.cookies import REFRESH

ROTATE: Final = "app/families/rotation.py:rotate"
REVOKE: Final = "app/auth/refresh.py:refresh"
DENIED: Final = "app/families/denylist.py:Denylist.denied"
REASONS: Final = "app/families/rotation.py:refusal_reason"
LOG_IN: Final = "app/auth/login.py:begin_session"
GUARD: Final = "app/web/guards.py:_proof_for"
NEW_KEY: Final = "app/web/bodies.py:thumbprint"
SPLIT: Final = "app/web/cookies.py:pairs"
LOG_OUT: Final = "app/api/session.py:_verified_sid"
CHECKED: Final = "app/tokens/codec.py:Codec._checked"
CHANGE: Final = "app/auth/password.py:change_password"
COOKIES: Final = "app/web/cookies.py:read_refresh"
READ: Final = "app/tokens/jws.py:parse_jws"
REBUILD: Final = "app/families/denylist_sync.py:DenylistSync.vouch"
OUTDATED: Final = "app/tokens/nonces.py:Nonces.is_outdated"
RACERS: Final = 20
LOOKS: Final = 8  # each reaches some worker; all of them are to be met
DAY: Final = 86400


def refresh_token_theft(context: AttackContext) -> None:
    """Copy the refresh token, let its owner go on, come back with the copy."""
    owner, elsewhere, thief = context.owner(), context.owner(), context.thief()
    stolen = owner.refresh_token
    context.say(
        "A copy of the refresh token is taken. The owner refreshes, as any open page does."
    )
    context.works(owner.refresh(), "The owner's refresh")
    context.say("Days later, or now, the thief comes back with the copy.")
    context.ended(thief.refresh(stolen), "the stolen token", ROTATE)
    context.say("Nobody can tell which side is the thief, so the session has to end for both.")
    context.no_token(owner.me(), "its access token", DENIED)
    context.ended(owner.refresh(), "its newest refresh token", REVOKE)
    context.works(elsewhere.me(), "The owner's session on another device")
    _thief_first(context)


def _thief_first(context: AttackContext) -> None:
    owner, thief = context.owner(), context.thief()
    context.say("The other order: the thief is first, and is in until the owner comes.")
    context.works(thief.refresh(owner.refresh_token), "The thief's refresh")
    context.ended(owner.refresh(), "the owner's token, spent by the thief", ROTATE)
    context.no_token(thief.me(), "the thief's access token", DENIED)
    context.ended(thief.refresh(), "the thief's refresh token", REVOKE)


def sidejacking(context: AttackContext) -> None:
    """Use tokens taken off the wire, without the key that the owner's browser keeps."""
    owner = context.owner(bound=True)
    if context.public_url.startswith("https:"):
        hsts = owner.ask("GET", "/").header("Strict-Transport-Security")
        headers = "app/web/headers.py:STRICT_TRANSPORT"
        context.found(f"HSTS: {hsts}", headers, held="max-age=63072000" in hsts)
    context.say("The owner's session is bound to a key. Its access token was read on the way.")
    thief, armed = context.thief(), context.thief(bound=True)
    context.no_token(thief.me(owner.access), "as Bearer", GUARD)
    bare = thief.ask("GET", "/api/me", headers={"Authorization": f"DPoP {owner.access}"})
    context.refused(bare, 401, "invalid_dpop_proof", "without proof", GUARD)
    armed.ask("GET", "/auth/sessions")
    context.refused(
        armed.me(owner.access), 401, "invalid_dpop_proof", "with the thief's key", GUARD
    )
    context.works(owner.me(), "The owner's own request")
    context.say("Now the refresh token, the newest one: its first use without the key ends it.")
    context.ended(context.thief().refresh(owner.refresh_token), "without proof", REASONS)
    context.ended(owner.refresh(), "the session is over", REVOKE)
    again = context.owner(bound=True)
    context.ended(armed.refresh(again.refresh_token), "with the thief's key", REASONS)
    context.no_token(again.me(), "the session is over", DENIED)


def long_refresh_without_rotation(context: AttackContext) -> None:
    """Look for a refresh token that is good for long, or twice."""
    owner = context.owner()
    context.say("Each refresh must bring a new token, and end the one before.")
    seen = [owner.refresh_token]
    for _ in range(3):
        context.works(owner.refresh(), "A refresh")
        seen.append(owner.refresh_token)
    context.found("every refresh token is new", ROTATE, held=len(set(seen)) == len(seen))
    context.say("Signed with the right key: the newest token, made to live for longer.")
    for days in (31, 365):
        token = _prolonged(context, owner, days)
        context.ended(context.thief().refresh(token), f"a life of {days} days", CHECKED)
    context.works(owner.refresh(), "The owner's own token")
    context.say("The first token again.")
    context.ended(context.thief().refresh(seen[0]), "the first token", ROTATE)


def _prolonged(context: AttackContext, owner: Visitor, days: int) -> str:
    issued = read(owner.refresh_token)[1]["iat"]
    claims = {"exp": issued + days * DAY}
    return context.forge.changed(
        owner.refresh_token, claims=claims, key=context.forge.key(REFRESH_KEY)
    )


def refresh_races(context: AttackContext) -> None:
    """Send one refresh token many times at once: check-then-act would let several through."""
    context.say(f"{RACERS} clients send the same refresh token at the same moment.")
    for _ in range(2):
        owner = context.owner()
        winners = _race(context, owner.refresh_token)
        text = f"of {RACERS} parallel refreshes {len(winners)} were answered with tokens"
        single = winners if len(winners) == 1 else []
        context.found(text, ROTATE, held=bool(single))
        for winner in single:
            context.ended(winner.refresh(), "the others were reuse: the one's successor", REVOKE)
        context.ended(owner.refresh(), "the owner's token after it", REVOKE)


def _race(context: AttackContext, token: str) -> list[Visitor]:
    thieves, start = [context.thief() for _ in range(RACERS)], Barrier(RACERS)

    def won(thief: Visitor) -> bool:
        start.wait()
        return thief.refresh(token).status == OK

    with ThreadPoolExecutor(RACERS) as pool:
        return [
            thief for thief, first in zip(thieves, pool.map(won, thieves), strict=True) if first
        ]


def password_change_keeps_sessions(context: AttackContext) -> None:
    """Stay in while the owner changes the password because of a thief."""
    thief, owner, bound = context.owner(), context.owner(), context.owner(bound=True)
    thief.who = bound.who = "thief"
    context.say("The thief has sessions of their own. The owner changes the password.")
    with context.new_password() as new:
        former, spent = owner.access, owner.refresh_token
        body = {"current_password": context.account.password, "new_password": new}
        answer = owner.protected("POST", "/auth/password", body)
        context.works(answer, "The change of the password")
        owner.adopt(answer)
        context.account.password = new
        context.no_token(thief.me(), "the thief's access token", DENIED)
        context.ended(thief.refresh(), "the thief's refresh token", CHANGE)
        context.no_token(bound.me(), "the thief's bound access token", DENIED)
        context.no_token(owner.me(former), "the owner's former access token", DENIED)
        context.ended(context.thief().refresh(spent), "the owner's former refresh token", CHANGE)
        context.works(owner.me(), "The owner's new session")


def session_fixation(context: AttackContext) -> None:
    """Have the victim's browser go on in a session that the attacker knows."""
    owner, thief = context.owner(), context.owner()
    thief.who = "attacker"
    context.say("A second refresh cookie was tossed into the browser: first before, then behind.")
    mine, theirs = owner.refresh_token, thief.refresh_token
    for first, second in ((theirs, mine), (mine, theirs)):
        both = f"{REFRESH}={first}; {REFRESH}={second}"
        answer = context.browser("owner").ask("POST", "/auth/refresh", headers={"Cookie": both})
        context.refused(answer, 400, "invalid_request", "two cookies", COOKIES)
    context.works(thief.refresh(), "Nothing was used up: the attacker's refresh")
    context.works(owner.refresh(), "Nothing was used up: the owner's refresh")
    context.say("The victim logs in while the browser holds the attacker's cookie.")
    victim = context.browser("victim")
    victim.jar[REFRESH], planted = thief.refresh_token, thief.sid
    victim.log_in(context.account)
    context.found("the session after it is a new one", LOG_IN, held=victim.sid != planted)
    context.no_token(thief.me(), "the attacker's access token", LOG_IN)
    context.ended(thief.refresh(), "the planted session", LOG_IN)
    context.say("A token that was made up is never taken over.")
    context.ended(context.thief().refresh(token_urlsafe(200)), "a made-up token", READ)


def planted_key(context: AttackContext) -> None:
    """Have a key that script planted stay the session's key, over a change of the password."""
    owner, after = context.owner(bound=True), context.browser(bound=True)
    context.say("The session is bound to a key of the thief's. The owner changes the password.")
    owner.who = "thief"
    with context.new_password() as new:
        body = {"current_password": context.account.password, "new_password": new}
        body["dpop_jkt"] = after.prover.thumbprint if after.prover else ""
        answer = owner.protected("POST", "/auth/password", body)
        context.works(answer, "The change of the password")
        context.account.password = new
        after.jar.update(owner.jar)
        after.adopt(answer)
        after.ask("GET", "/auth/sessions")  # its answer brings a nonce
        held = after.refresh().status == OK
        context.found("the new session is bound to the new key", NEW_KEY, held=held)
        former = owner.refresh(after.refresh_token)
        context.ended(former, "the new cookie with a proof by the former key", NEW_KEY)


def swallowed_cookie(context: AttackContext) -> None:
    """Put cookies of a sibling host around the refresh cookie."""
    owner = context.owner()
    context.say("A sibling host sets cookies for the whole domain: quotes that open and close.")
    for before, after in (('a="', 'z="'), ('a="', ""), ("a='", "z='"), ('a=\\"', 'z="')):
        tossed = "; ".join(filter(None, (before, f"{REFRESH}={owner.refresh_token}", after)))
        answer = owner.ask("POST", "/auth/refresh", headers={"Cookie": tossed})
        held = owner.adopt(answer)
        if not context.found(f"beside {before} {after}: the session goes on", SPLIT, held=held):
            return
    context.works(owner.me(), "The owner's own request")


def captured_token_log_out(context: AttackContext) -> None:
    """End the owner's session with an access token that opens nothing here."""
    owner, armed = context.owner(bound=True), context.thief(bound=True)
    context.say(
        "An access token of a bound session was captured. Whoever has it logs out with it."
    )
    armed.ask("GET", "/auth/sessions")  # its answer brings a nonce
    for what, visitor, headers in (
        ("as Bearer", context.thief(), {"Authorization": f"Bearer {owner.access}"}),
        ("without proof", context.thief(), {"Authorization": f"DPoP {owner.access}"}),
        (
            "with the thief's key",
            armed,
            {"Authorization": f"DPoP {owner.access}"}
            | armed.proof_header("POST", "/auth/logout", owner.access),
        ),
    ):
        context.works(visitor.ask("POST", "/auth/logout", headers=headers), f"The log-out {what}")
        lives = owner.me().status == OK
        context.found(f"{what}: the owner's session goes on", LOG_OUT, held=lives)
    context.say("The owner logs out with the same token and its proof, without the cookie.")
    owner.jar.clear()
    context.works(owner.protected("POST", "/auth/logout"), "The owner's log-out")
    context.no_token(owner.me(), "after it the token is refused", DENIED)


def denylist_loss(context: AttackContext) -> None:
    """Make Redis forget: a flush, a restart, a fail-over."""
    owner, keys = context.owner(), denylist_keys(context.target.settings)
    context.works(owner.protected("POST", "/auth/logout"), "The log-out")
    context.no_token(owner.me(), "after the log-out", DENIED)
    context.say("Redis loses the list: the entry and the marker that says it is complete.")
    _forget(context, keys.marker, keys.prefix + owner.sid)
    for _ in range(LOOKS):
        context.no_token(owner.me(), "after the loss", REBUILD)
    context.works(context.owner().me(), "A session that is alive")
    bound, path = context.owner(bound=True), "/api/me"
    proof = bound.prove("GET", path, bound.access)
    captured = {"Authorization": f"DPoP {bound.access}", "DPoP": proof}
    context.works(context.thief().ask("GET", path, headers=captured), "A proof that is captured")
    context.say("Redis loses the proofs that were used, and the captured one is sent again.")
    used = replay_key(
        redis_prefix(context.target.settings), bound.key.thumbprint, str(read(proof)[1]["jti"])
    )
    _forget(context, keys.marker)
    for _ in range(LOOKS):
        _forget(context, used)
        again = context.thief().ask("GET", path, headers=captured)
        context.refused(again, 401, NEWER_NONCE, "the proof again", OUTDATED)
    context.works(bound.me(), "The owner's next request, with a newer nonce")


def _forget(context: AttackContext, *keys: str) -> None:
    try:
        with Redis.from_url(context.target.settings.redis_url, socket_timeout=2) as redis:
            redis.delete(*keys)
    except RedisError as error:
        raise Inconclusive(f"REDIS_URL does not answer ({type(error).__name__})") from None
