"""A Redis that loses what was revoked, and which proofs were used."""

from __future__ import annotations

import time
from typing import Final

from redis import Redis, RedisError

from app.attacks import defenses
from app.attacks.context import AttackContext
from app.attacks.forge import read
from app.attacks.obstacles import Inconclusive
from app.attacks.visitor import NEWER_NONCE
from app.families.replay_cache import replay_key
from app.services import denylist_keys, redis_prefix

TRIES: Final = 8  # on connections of their own, so that they reach every worker
REDIS_SECONDS: Final = 2
PATH: Final = "/api/me"


def denylist_loss(context: AttackContext) -> None:
    """Delete what a flush, a restart or a fail-over of Redis loses."""
    owner, keys = context.owner(), denylist_keys(context.target.settings)
    context.works(owner.protected("POST", "/auth/logout"), "The log-out")
    context.no_token(owner.me(), "after the log-out", defenses.DENYLIST)
    context.say("Redis loses the list: the entry, and the marker that says it is complete.")
    _delete(context, keys.marker, keys.prefix + owner.sid)
    for _ in range(TRIES):
        context.no_token(owner.me(), "after the loss", defenses.DENYLIST_REPAIR)
    context.works(context.owner().me(), "A session that is alive")
    _lost_proofs(context, keys.marker)


def _lost_proofs(context: AttackContext, marker: str) -> None:
    bound = context.owner(bound=True)
    proof = bound.prove("GET", PATH, bound.access)
    captured = {"Authorization": f"DPoP {bound.access}", "DPoP": proof}
    context.works(context.thief().ask("GET", PATH, headers=captured), "A captured proof")
    # Losses are dated in whole seconds. A worker that has not noticed the first one would date
    # this one alike, and accept a nonce from between the two: the catalogue says so.
    time.sleep(1)
    context.say("Redis loses the used proofs, and the captured one is sent again.")
    prefix, jti = redis_prefix(context.target.settings), str(read(proof)[1]["jti"])
    used = replay_key(prefix, bound.key.thumbprint, jti)
    _delete(context, marker)
    for _ in range(TRIES):
        _delete(context, used)
        again = context.thief().ask("GET", PATH, headers=captured)
        context.refused(again, 401, NEWER_NONCE, "the proof again", defenses.NONCE_AGE)
    context.works(bound.me(), "The owner's next request, with a newer nonce")


def _delete(context: AttackContext, *keys: str) -> None:
    url = context.target.settings.redis_url
    try:
        with Redis.from_url(url, socket_timeout=REDIS_SECONDS) as redis:
            redis.delete(*keys)
    except RedisError as error:
        name = type(error).__name__
        raise Inconclusive(f"REDIS_URL does not answer ({name})") from None
