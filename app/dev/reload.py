"""Reloads the server when the code changes, while a developer works on it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from config import ROOT

PAUSE_SECONDS: Final = 0.5
WATCHED: Final = ("app/**/*.py", "app/**/*.html", "templates/**/*.html", "config.py", ".env")


def reloader() -> Callable[[], None]:
    """Return a function that has gunicorn's master, which started this process, load the code.

    The master loads it in another process first. When that fails, it says why and the workers
    continue with the former code. After the master's end its number may be another process's,
    so the function does nothing then.
    """
    master = os.getppid()

    def reload() -> None:
        if os.getppid() == master:
            os.kill(master, signal.SIGHUP)

    return reload


def watch(
    stopped: threading.Event,
    reload: Callable[[], None],
    root: Path = ROOT,
    pause: float = PAUSE_SECONDS,
) -> None:
    """Call `reload` after each change of a watched file under `root`, until `stopped` is set.

    Files are looked at every `pause` seconds: 300 of them take a few milliseconds, and an editor
    that writes several files causes one reload.
    """
    before = _times(root)
    while not stopped.wait(pause):
        now = _times(root)
        if now != before:
            before = now
            reload()


def _times(root: Path) -> dict[Path, int]:
    """Return when each watched file was written; a file that is just going away is left out."""
    times: dict[Path, int] = {}
    for pattern in WATCHED:
        for path in root.glob(pattern):
            try:
                times[path] = path.stat().st_mtime_ns
            except FileNotFoundError:
                continue
    return times
