"""What the lab keeps in Redis, for minutes: the runs in browsers, and the accounts to erase."""

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
# Longer than the slowest attack on both sides. A run that crashed holds the lock no longer.
BUSY_SECONDS: Final = 150

_RUN: Final = re.compile(r"[0-9a-f]{32}")


class RunStore:
    """Runs in browsers by their number, which is random: whoever knows it may add to the run."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        """Use keys that begin with `prefix` and `lab:`."""
        self._redis: Final = redis
        self._prefix: Final = f"{prefix}lab:"

    def open(self, account: Account) -> str:
        """Begin a run with a throwaway account, and return its number."""
        run = secrets.token_hex(16)
        about = json.dumps(account.credentials)
        self._redis.set(self._key(run, "about"), about, ex=RUN_SECONDS)
        return run

    def account(self, run: str) -> Account | None:
        """Return the account of an open run; None when there is no such run."""
        if not _RUN.fullmatch(run):
            return None
        about = cast("bytes | None", self._redis.get(self._key(run, "about")))
        return Account(**json.loads(about)) if about else None

    def add(self, run: str, seen: dict[str, Any]) -> None:
        """Store what was seen in an open run; beyond MAX_SEEN the oldest is deleted."""
        if self.account(run):
            key = self._key(run, "seen")
            self._redis.rpush(key, json.dumps(seen))
            self._redis.ltrim(key, -MAX_SEEN, -1)
            self._redis.expire(key, RUN_SECONDS)

    def seen(self, run: str) -> list[dict[str, Any]]:
        """Return what was seen, in order."""
        found = cast("list[bytes]", self._redis.lrange(self._key(run, "seen"), 0, -1))
        return [json.loads(one) for one in found]

    def count(self, run: str, by: int = 1) -> int:
        """Add to the uses of the run's weakened session, and return their number."""
        key = self._key(run, "used")
        used = self._redis.incr(key, by)
        self._redis.expire(key, RUN_SECONDS)
        return used

    def close(self, run: str) -> None:
        """Delete a run."""
        self._redis.delete(*(self._key(run, part) for part in ("about", "seen", "used")))

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Yield whether no other attack runs: two would use up each other's limits."""
        lock = self._redis.lock(f"{self._prefix}busy", timeout=BUSY_SECONDS, blocking=False)
        acquired = lock.acquire()
        try:
            yield acquired
        finally:
            if acquired:
                with suppress(LockError):  # after BUSY_SECONDS another attack may hold the lock
                    lock.release()

    def remember(self, email: str, until: int) -> None:
        """Store an account to be erased at `until` (epoch seconds), should its run not end."""
        self._redis.zadd(f"{self._prefix}accounts", {email: until})

    def left_over(self, now: int) -> list[str]:
        """Return the accounts whose time is over and whose runs did not end."""
        found = self._redis.zrangebyscore(f"{self._prefix}accounts", "-inf", now)
        return [email.decode() for email in cast("list[bytes]", found)]

    def forget(self, email: str) -> None:
        """Delete an account that is erased from the list."""
        self._redis.zrem(f"{self._prefix}accounts", email)

    def _key(self, run: str, part: str) -> str:
        return f"{self._prefix}run:{run}:{part}"
