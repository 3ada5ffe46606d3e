"""Repeat a failed write to Redis in a background thread; `denylist_sync` starts it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from app.infra import redis

THREAD_NAME: Final = "denylist-repair"


class Repair:
    """Repeats `attempt` in at most one background thread until it returns True."""

    def __init__(self, attempt: Callable[[], bool]) -> None:
        """Take `attempt`, which must not raise. No thread runs until `start`."""
        self._attempt: Final = attempt
        self._running: Final = threading.Lock()

    def start(self) -> None:
        """Start the repair in a new daemon thread; without effect while one is at work."""
        threading.Thread(target=self._run, name=THREAD_NAME, daemon=True).start()

    def _run(self) -> None:
        if not self._running.acquire(blocking=False):
            return
        try:
            while not self._attempt():
                time.sleep(redis.REDIS_BACKOFF_SECONDS)
        finally:
            self._running.release()
