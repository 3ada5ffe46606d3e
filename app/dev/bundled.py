"""What `make run` starts besides gunicorn: a real Valkey, and a migrated database.

Development only, and a process of its own (`python -m app.dev.bundled`): gunicorn's master imports
no code of the application, so that a reload serves the new code.
"""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Final

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.dev.reload import Watched, reloader, watch
from app.dev.valkey import BundledError, start_valkey, stop_valkey
from app.features import FeaturesError, check_names, revision_folders
from app.infra.database import Database
from config import ROOT, Settings

VERSIONS: Final = text("SELECT version_num FROM alembic_version")
_REVISION: Final = re.compile(r"""^revision\b.*=\s*["'](\w+)["']""", re.MULTILINE)
_DOWN: Final = re.compile(r"""^down_revision\b.*=\s*["'](\w+)["']""", re.MULTILINE)


class Bundled:
    """All that was started, to be stopped together."""

    def __init__(self, started: ExitStack) -> None:
        """Keep what undoes the start."""
        self._started = started

    def stop(self) -> None:
        """Stop Valkey, with its memory on disk, and let the folder go. Twice does no harm."""
        self._started.close()


def start(settings: Settings) -> Bundled:
    """Start the bundled Valkey unless REDIS_URL names another, and migrate the database.

    Raises:
        BundledError: when one already runs in this folder, or a part does not start. Nothing
            is left running then.

    """
    with ExitStack() as started:
        started.enter_context(_lock(settings.instance / "run.lock"))
        sock = settings.instance / "valkey.sock"
        if settings.redis_url == f"unix://{sock}":
            started.callback(stop_valkey, start_valkey(sock))
        _migrate(settings)
        return Bundled(started.pop_all())


def main() -> None:
    """Start what is bundled, say `ready`, watch the code, and stop when standard input ends.

    gunicorn's master holds the other end, and so do its workers, which outlive a master that was
    killed by a second.
    """
    os.umask(0o077)
    try:
        check_names()
        running = start(Settings.from_env())
    except (BundledError, FeaturesError) as fault:
        sys.exit(str(fault))
    print("ready", flush=True)  # noqa: T201 - the master reads it
    stopped = threading.Event()
    threading.Thread(target=watch, args=(stopped, Watched(), reloader()), daemon=True).start()
    sys.stdin.read()
    stopped.set()
    running.stop()


def _lock(path: Path) -> IO[bytes]:
    """Hold the folder for one run. A lock of the kernel's needs no tidying after a crash."""
    try:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
    except OSError as error:
        raise BundledError(
            f"Latchkey cannot write {path.parent} ({error.strerror}): make the folder writable."
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise BundledError(
            f"Latchkey already runs in this folder ({path.parent}): stop that one first, "
            "or start a second one from another clone with another PORT."
        ) from error
    return file


def _migrate(settings: Settings) -> None:
    """Bring the database to the newest revision, before gunicorn forks.

    In a process of its own, and only when needed: Alembic would stay in the memory of every
    worker.
    """
    if _revisions(settings) == _heads():
        return
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": settings.database_url},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        why = done.stderr.strip().rpartition("\n")[2]
        raise BundledError(f"The database cannot be migrated: {why}")


def _heads() -> set[str]:
    """Return the newest revision of every branch, without Alembic."""
    files = [path for folder in revision_folders() for path in folder.glob("*.py")]
    sources = [path.read_text(encoding="utf-8") for path in files]
    revisions, former = (
        {name for source in sources for name in pattern.findall(source)}
        for pattern in (_REVISION, _DOWN)
    )
    return revisions - former


def _revisions(settings: Settings) -> set[str]:
    database = Database(settings.database_url)
    try:
        with database.autocommit() as connection:
            return set(connection.scalars(VERSIONS))
    except SQLAlchemyError:
        return set()  # no table yet; what is worse than that, the migration says
    finally:
        database.engine.dispose()


if __name__ == "__main__":
    main()
