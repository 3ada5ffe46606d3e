"""Finished runs, each at an address that can be sent to somebody."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable
from typing import Any, Final, cast

from redis import Redis

KEPT_SECONDS: Final = 7 * 86400
MAX_KEPT: Final = 100

_ID: Final = re.compile(r"[0-9a-f]{16}")


class FinishedRuns:
    """The last MAX_KEPT runs, for KEPT_SECONDS, under random ids."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        """Use keys that begin with `prefix` and `lab:`."""
        self._redis: Final = redis
        self._prefix: Final = f"{prefix}lab:"

    def keep(self, run: dict[str, Any], credentials: Iterable[str]) -> str:
        """Store a run without `credentials` and return its id; delete the oldest of too many."""
        name = secrets.token_hex(8)
        names = f"{self._prefix}finished"
        self._redis.set(self._key(name), without(json.dumps(run), credentials), ex=KEPT_SECONDS)
        self._redis.lpush(names, name)
        for old in cast("list[bytes]", self._redis.lrange(names, MAX_KEPT, -1)):
            self._redis.delete(self._key(old.decode()))
        self._redis.ltrim(names, 0, MAX_KEPT - 1)
        self._redis.expire(names, KEPT_SECONDS)
        return name

    def find(self, name: str) -> dict[str, Any] | None:
        """Return a run; None when there is none of that id any more."""
        if not _ID.fullmatch(name):
            return None
        text = cast("bytes | None", self._redis.get(self._key(name)))
        return cast("dict[str, Any]", json.loads(text)) if text else None

    def _key(self, name: str) -> str:
        return f"{self._prefix}finished:{name}"


def without(text: str, credentials: Iterable[str]) -> str:
    """Return `text` with every one of `credentials` replaced.

    Messages are recorded without credentials already. This is for one in an unexpected place,
    because a run's address may be sent on.
    """
    for credential in filter(None, credentials):
        text = text.replace(credential, "…")
    return text
