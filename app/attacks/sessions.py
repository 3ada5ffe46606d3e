"""Attacks on what happens to a session over time: theft, races, changes of password."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from secrets import token_urlsafe
from threading import Barrier
from typing import Final

from redis import Redis, RedisError

from app.attacks.forge import read
from app.attacks.stage import NEWER_NONCE, OK, Broken, Stage, Visitor
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


def refresh_token_theft(stage: Stage) -> None:
    """Copy the refresh token, let its owner go on, come back with the copy."""
    owner, elsewhere, thief = stage.owner(), stage.owner(), stage.thief()
    stolen = owner.refresh_token
    stage.say("A copy of the refresh token is taken. The owner refreshes, as any open page does.")
    stage.works(owner.refresh(), "The owner's refresh")
    stage.say("Days later, or now, the thief comes back with the copy.")
    stage.ended(thief.refresh(stolen), "the stolen token", ROTATE)
    stage.say("Nobody can tell which side is the thief, so the session has to end for both.")
    stage.no_token(owner.me(), "its access token", DENIED)
    stage.ended(owner.refresh(), "its newest refresh token", REVOKE)
    stage.works(elsewhere.me(), "The owner's session on another device")
    _thief_first(stage)


def _thief_first(stage: Stage) -> None:
    owner, thief = stage.owner(), stage.thief()
    stage.say("The other order: the thief is first, and is in until the owner comes.")
    stage.works(thief.refresh(owner.refresh_token), "The thief's refresh")
    stage.ended(owner.refresh(), "the owner's token, spent by the thief", ROTATE)
    stage.no_token(thief.me(), "the thief's access token", DENIED)
    stage.ended(thief.refresh(), "the thief's refresh token", REVOKE)


def sidejacking(stage: Stage) -> None:
    """Use tokens taken off the wire, without the key that the owner's browser keeps."""
    owner = stage.owner(bound=True)
    if stage.public_url.startswith("https:"):
        hsts = owner.ask("GET", "/").header("Strict-Transport-Security")
        headers = "app/web/headers.py:STRICT_TRANSPORT"
        stage.found(f"HSTS: {hsts}", headers, held="max-age=63072000" in hsts)
    stage.say("The owner's session is bound to a key. Its access token was read on the way.")
    thief, armed = stage.thief(), stage.thief(bound=True)
    stage.no_token(thief.me(owner.access), "as Bearer", GUARD)
    bare = thief.ask("GET", "/api/me", headers={"Authorization": f"DPoP {owner.access}"})
    stage.refused(bare, 401, "invalid_dpop_proof", "without proof", GUARD)
    armed.ask("GET", "/auth/sessions")
    stage.refused(armed.me(owner.access), 401, "invalid_dpop_proof", "with the thief's key", GUARD)
    stage.works(owner.me(), "The owner's own request")
    stage.say("Now the refresh token, the newest one: its first use without the key ends it.")
    stage.ended(stage.thief().refresh(owner.refresh_token), "without proof", REASONS)
    stage.ended(owner.refresh(), "the session is over", REVOKE)
    again = stage.owner(bound=True)
    stage.ended(armed.refresh(again.refresh_token), "with the thief's key", REASONS)
    stage.no_token(again.me(), "the session is over", DENIED)


def long_refresh_without_rotation(stage: Stage) -> None:
    """Look for a refresh token that is good for long, or twice."""
    owner = stage.owner()
    stage.say("Each refresh must bring a new token, and end the one before.")
    seen = [owner.refresh_token]
    for _ in range(3):
        stage.works(owner.refresh(), "A refresh")
        seen.append(owner.refresh_token)
    stage.found("every refresh token is new", ROTATE, held=len(set(seen)) == len(seen))
    stage.say("Signed with the right key: the newest token, made to live for longer.")
    for days in (31, 365):
        token = _prolonged(stage, owner, days)
        stage.ended(stage.thief().refresh(token), f"a life of {days} days", CHECKED)
    stage.works(owner.refresh(), "The owner's own token")
    stage.say("The first token again.")
    stage.ended(stage.thief().refresh(seen[0]), "the first token", ROTATE)


def _prolonged(stage: Stage, owner: Visitor, days: int) -> str:
    issued = read(owner.refresh_token)[1]["iat"]
    claims = {"exp": issued + days * DAY}
    return stage.forge.changed(
        owner.refresh_token, claims=claims, key=stage.forge.key(REFRESH_KEY)
    )


def refresh_races(stage: Stage) -> None:
    """Send one refresh token many times at once: check-then-act would let several through."""
    stage.say(f"{RACERS} clients send the same refresh token at the same moment.")
    for _ in range(2):
        owner = stage.owner()
        winners = _race(stage, owner.refresh_token)
        text = f"of {RACERS} parallel refreshes {len(winners)} were answered with tokens"
        single = winners if len(winners) == 1 else []
        stage.found(text, ROTATE, held=bool(single))
        for winner in single:
            stage.ended(winner.refresh(), "the others were reuse: the one's successor", REVOKE)
        stage.ended(owner.refresh(), "the owner's token after it", REVOKE)


def _race(stage: Stage, token: str) -> list[Visitor]:
    thieves, start = [stage.thief() for _ in range(RACERS)], Barrier(RACERS)

    def won(thief: Visitor) -> bool:
        start.wait()
        return thief.refresh(token).status == OK

    with ThreadPoolExecutor(RACERS) as pool:
        return [
            thief for thief, first in zip(thieves, pool.map(won, thieves), strict=True) if first
        ]


def password_change_keeps_sessions(stage: Stage) -> None:
    """Stay in while the owner changes the password because of a thief."""
    thief, owner, bound = stage.owner(), stage.owner(), stage.owner(bound=True)
    thief.who = bound.who = "thief"
    stage.say("The thief has sessions of their own. The owner changes the password.")
    with stage.new_password() as new:
        former, spent = owner.access, owner.refresh_token
        body = {"current_password": stage.account.password, "new_password": new}
        answer = owner.protected("POST", "/auth/password", body)
        stage.works(answer, "The change of the password")
        owner.adopt(answer)
        stage.account.password = new
        stage.no_token(thief.me(), "the thief's access token", DENIED)
        stage.ended(thief.refresh(), "the thief's refresh token", CHANGE)
        stage.no_token(bound.me(), "the thief's bound access token", DENIED)
        stage.no_token(owner.me(former), "the owner's former access token", DENIED)
        stage.ended(stage.thief().refresh(spent), "the owner's former refresh token", CHANGE)
        stage.works(owner.me(), "The owner's new session")


def session_fixation(stage: Stage) -> None:
    """Have the victim's browser go on in a session that the attacker knows."""
    owner, thief = stage.owner(), stage.owner()
    thief.who = "attacker"
    stage.say("A second refresh cookie was tossed into the browser: first before, then behind.")
    mine, theirs = owner.refresh_token, thief.refresh_token
    for first, second in ((theirs, mine), (mine, theirs)):
        both = f"{REFRESH}={first}; {REFRESH}={second}"
        answer = stage.browser("owner").ask("POST", "/auth/refresh", headers={"Cookie": both})
        stage.refused(answer, 400, "invalid_request", "two cookies", COOKIES)
    stage.works(thief.refresh(), "Nothing was used up: the attacker's refresh")
    stage.works(owner.refresh(), "Nothing was used up: the owner's refresh")
    stage.say("The victim logs in while the browser holds the attacker's cookie.")
    victim = stage.browser("victim")
    victim.jar[REFRESH], planted = thief.refresh_token, thief.sid
    victim.log_in(stage.account)
    stage.found("the session after it is a new one", LOG_IN, held=victim.sid != planted)
    stage.no_token(thief.me(), "the attacker's access token", LOG_IN)
    stage.ended(thief.refresh(), "the planted session", LOG_IN)
    stage.say("A token that was made up is never taken over.")
    stage.ended(stage.thief().refresh(token_urlsafe(200)), "a made-up token", READ)


def planted_key(stage: Stage) -> None:
    """Have a key that script planted stay the session's key, over a change of the password."""
    owner, after = stage.owner(bound=True), stage.browser(bound=True)
    stage.say("The session is bound to a key of the thief's. The owner changes the password.")
    owner.who = "thief"
    with stage.new_password() as new:
        body = {"current_password": stage.account.password, "new_password": new}
        body["dpop_jkt"] = after.prover.thumbprint if after.prover else ""
        answer = owner.protected("POST", "/auth/password", body)
        stage.works(answer, "The change of the password")
        stage.account.password = new
        after.jar.update(owner.jar)
        after.adopt(answer)
        after.ask("GET", "/auth/sessions")  # its answer brings a nonce
        held = after.refresh().status == OK
        stage.found("the new session is bound to the new key", NEW_KEY, held=held)
        former = owner.refresh(after.refresh_token)
        stage.ended(former, "the new cookie with a proof by the former key", NEW_KEY)


def swallowed_cookie(stage: Stage) -> None:
    """Put cookies of a sibling host around the refresh cookie."""
    owner = stage.owner()
    stage.say("A sibling host sets cookies for the whole domain: quotes that open and close.")
    for before, after in (('a="', 'z="'), ('a="', ""), ("a='", "z='"), ('a=\\"', 'z="')):
        tossed = "; ".join(filter(None, (before, f"{REFRESH}={owner.refresh_token}", after)))
        answer = owner.ask("POST", "/auth/refresh", headers={"Cookie": tossed})
        held = owner.adopt(answer)
        if not stage.found(f"beside {before} {after}: the session goes on", SPLIT, held=held):
            return
    stage.works(owner.me(), "The owner's own request")


def captured_token_log_out(stage: Stage) -> None:
    """End the owner's session with an access token that opens nothing here."""
    owner, armed = stage.owner(bound=True), stage.thief(bound=True)
    stage.say("An access token of a bound session was captured. Whoever has it logs out with it.")
    armed.ask("GET", "/auth/sessions")  # its answer brings a nonce
    for what, visitor, headers in (
        ("as Bearer", stage.thief(), {"Authorization": f"Bearer {owner.access}"}),
        ("without proof", stage.thief(), {"Authorization": f"DPoP {owner.access}"}),
        (
            "with the thief's key",
            armed,
            {"Authorization": f"DPoP {owner.access}"}
            | armed.proof_header("POST", "/auth/logout", owner.access),
        ),
    ):
        stage.works(visitor.ask("POST", "/auth/logout", headers=headers), f"The log-out {what}")
        lives = owner.me().status == OK
        stage.found(f"{what}: the owner's session goes on", LOG_OUT, held=lives)
    stage.say("The owner logs out with the same token and its proof, without the cookie.")
    owner.jar.clear()
    stage.works(owner.protected("POST", "/auth/logout"), "The owner's log-out")
    stage.no_token(owner.me(), "after it the token is refused", DENIED)


def denylist_loss(stage: Stage) -> None:
    """Make Redis forget: a flush, a restart, a fail-over."""
    owner, keys = stage.owner(), denylist_keys(stage.target.settings)
    stage.works(owner.protected("POST", "/auth/logout"), "The log-out")
    stage.no_token(owner.me(), "after the log-out", DENIED)
    stage.say("Redis loses the list: the entry and the marker that says it is complete.")
    _forget(stage, keys.marker, keys.prefix + owner.sid)
    for _ in range(LOOKS):
        stage.no_token(owner.me(), "after the loss", REBUILD)
    stage.works(stage.owner().me(), "A session that is alive")
    bound, path = stage.owner(bound=True), "/api/me"
    proof = bound.prove("GET", path, bound.access)
    captured = {"Authorization": f"DPoP {bound.access}", "DPoP": proof}
    stage.works(stage.thief().ask("GET", path, headers=captured), "A proof that is captured")
    stage.say("Redis loses the proofs that were used, and the captured one is sent again.")
    used = replay_key(
        redis_prefix(stage.target.settings), bound.key.thumbprint, str(read(proof)[1]["jti"])
    )
    _forget(stage, keys.marker)
    for _ in range(LOOKS):
        _forget(stage, used)
        again = stage.thief().ask("GET", path, headers=captured)
        stage.refused(again, 401, NEWER_NONCE, "the proof again", OUTDATED)
    stage.works(bound.me(), "The owner's next request, with a newer nonce")


def _forget(stage: Stage, *keys: str) -> None:
    try:
        with Redis.from_url(stage.target.settings.redis_url, socket_timeout=2) as redis:
            redis.delete(*keys)
    except RedisError as error:
        raise Broken(f"REDIS_URL does not answer ({type(error).__name__})") from None
