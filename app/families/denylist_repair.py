"""A thread that repeats a repair until it succeeds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from app.infra import redis

THREAD_NAME: Final = "denylist-repair"


class Repair:
    """Repeats `attempt` in the background until it returns True, once at a time."""

    def __init__(self, attempt: Callable[[], bool]) -> None:
        """Repeat `attempt`, which must not raise. No thread runs yet."""
        self._attempt: Final = attempt
        self._running: Final = threading.Lock()

    def start(self) -> None:
        """Start a thread that repairs; it ends at once when another one is repairing."""
        threading.Thread(target=self._run, name=THREAD_NAME, daemon=True).start()

    def _run(self) -> None:
        if not self._running.acquire(blocking=False):
            return
        try:
            while not self._attempt():
                time.sleep(redis.REDIS_BACKOFF_SECONDS)
        finally:
            self._running.release()
