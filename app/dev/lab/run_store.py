"""What the lab remembers, in Redis and for minutes: runs in browsers, and accounts to erase."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, cast

from redis import Redis
from redis.exceptions import LockError

from app.attacks.attacked_account import Account

RUN_SECONDS: Final = 300
MAX_SEEN: Final = 60
# Longer than the slowest attack on both sides; a crashed run blocks no longer than this.
BUSY_SECONDS: Final = 150

_RUN: Final = re.compile(r"[0-9a-f]{32}")


class RunStore:
    """A browser run is known by its number; whoever knows it may add what it saw."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        """Keep everything under keys of the lab's own that begin with `prefix`."""
        self._redis: Final = redis
        self._prefix: Final = f"{prefix}lab:"

    def open(self, account: Account) -> str:
        """Begin a run with a throwaway account, and return its number."""
        run = secrets.token_hex(16)
        about = {"email": account.email, "password": account.password}
        self._redis.set(self._key(run, "about"), json.dumps(about), ex=RUN_SECONDS)
        return run

    def account(self, run: str) -> Account | None:
        """Return the run's throwaway account; None when there is no such run."""
        if not _RUN.fullmatch(run):
            return None
        about = cast("bytes | None", self._redis.get(self._key(run, "about")))
        return Account(**json.loads(about)) if about else None

    def add(self, run: str, exchange: dict[str, Any]) -> None:
        """Write down what was seen in an open run; of too much, the oldest is forgotten."""
        if self.account(run):
            key = self._key(run, "seen")
            self._redis.rpush(key, json.dumps(exchange))
            self._redis.ltrim(key, -MAX_SEEN, -1)
            self._redis.expire(key, RUN_SECONDS)

    def seen(self, run: str) -> list[dict[str, Any]]:
        """Return what was written down, in order."""
        found = cast("list[bytes]", self._redis.lrange(self._key(run, "seen"), 0, -1))
        return [json.loads(one) for one in found]

    def count(self, run: str, by: int = 1) -> int:
        """Count a use of the run's weakened session; return how often it was used."""
        key = self._key(run, "used")
        used = self._redis.incr(key, by)
        self._redis.expire(key, RUN_SECONDS)
        return used

    def close(self, run: str) -> None:
        """Forget a run."""
        self._redis.delete(*(self._key(run, part) for part in ("about", "seen", "used")))

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Try to be the only run: two would use up each other's limits. Tell whether it is."""
        lock = self._redis.lock(f"{self._prefix}busy", timeout=BUSY_SECONDS, blocking=False)
        mine = lock.acquire()
        try:
            yield mine
        finally:
            if mine:
                with suppress(LockError):  # it took too long, and another one may run by now
                    lock.release()

    def remember(self, email: str, until: int) -> None:
        """Remember an account to erase, at the latest after `until` (epoch seconds)."""
        self._redis.zadd(f"{self._prefix}accounts", {email: until})

    def left_over(self, now: int) -> list[str]:
        """Return the accounts whose runs never came to their end."""
        found = self._redis.zrangebyscore(f"{self._prefix}accounts", "-inf", now)
        return [email.decode() for email in cast("list[bytes]", found)]

    def erased(self, email: str) -> None:
        """Forget an account that is gone."""
        self._redis.zrem(f"{self._prefix}accounts", email)

    def _key(self, run: str, part: str) -> str:
        return f"{self._prefix}run:{run}:{part}"
