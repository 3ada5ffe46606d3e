"""Reloads the server when the code changes, while a developer works on it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from config import ROOT

PAUSE_SECONDS: Final = 0.5
PATTERNS: Final = ("app/**/*.py", "app/**/*.html", "templates/**/*.html", "config.py", ".env")


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


class Watched:
    """The files of a tree that are loaded by a server, and when each was written."""

    def __init__(self, root: Path = ROOT) -> None:
        """Look at the files for the first time."""
        self._root = root
        self._times = self._look()

    def changed(self) -> bool:
        """Look again, and tell whether a file was written, added or removed meanwhile."""
        before, self._times = self._times, self._look()
        return self._times != before

    def _look(self) -> dict[Path, int]:
        times: dict[Path, int] = {}
        for path in (path for pattern in PATTERNS for path in self._root.glob(pattern)):
            with suppress(FileNotFoundError):  # it went away since it was listed
                times[path] = path.stat().st_mtime_ns
        return times


def watch(stopped: threading.Event, files: Watched, reload: Callable[[], None]) -> None:
    """Call `reload` after each change of `files`, until `stopped` is set.

    An editor that writes several files within `PAUSE_SECONDS` causes one reload.
    """
    while not stopped.wait(PAUSE_SECONDS):
        if files.changed():
            reload()
