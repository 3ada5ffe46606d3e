"""Real gunicorn over the real configuration, on a port of its own."""

from __future__ import annotations

import os
import signal
import sys
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

from config import Settings
from tests.servers.processes import end, family, free_port, spawn, survivors, wait_until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[2]


class GunicornServer:
    """One master with its workers. `url` is both its address and its PUBLIC_URL."""

    def __init__(
        self,
        environment: Mapping[str, str],
        log: Path,
        workers: int = 2,
        app: str = "wsgi:app",
    ) -> None:
        self._app = app
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self._log = log
        self._count = workers
        self._environment = {
            "PATH": os.environ["PATH"],
            "FLASK_SKIP_DOTENV": "1",
            **environment,
            "PORT": str(self.port),
            "PUBLIC_URL": self.url,
            "WEB_CONCURRENCY": str(workers),
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> Settings:
        """What it runs with."""
        return Settings.from_env(self._environment)

    @property
    def log_file(self) -> Path:
        """Where it writes."""
        return self._log

    @property
    def database(self) -> str:
        """The path of its SQLite file."""
        return self._environment["DATABASE_URL"].removeprefix("sqlite:///")

    @property
    def pid(self) -> int:
        """The master's process id."""
        if self._process is None:
            raise RuntimeError("this gunicorn does not run")
        return self._process.pid

    @property
    def workers(self) -> list[int]:
        """The workers' process ids."""
        return [process.pid for process in family(self.pid)[1:]]

    @property
    def log(self) -> str:
        """All it has written."""
        return self._log.read_text(encoding="utf-8")

    def start(self) -> None:
        """Start it and wait for a first answer of /readyz."""
        with self._log.open("ab") as log:
            self._process = spawn(
                [sys.executable, "-m", "gunicorn", self._app],
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        try:
            wait_until(lambda: self._ended() or self._serves(), what="/readyz")
        finally:
            if self._ended():
                raise RuntimeError(f"gunicorn did not start:\n{self.log}")

    def stop(self) -> None:
        """Stop it by its process id, and whatever of it should be left."""
        if self._process:
            processes = [] if self._ended() else family(self.pid)
            end(self._process, signal.SIGINT, seconds=3)
            for process in survivors(processes, seconds=1):
                process.kill()
            self._process = None

    def _serves(self) -> bool:
        return len(self.workers) == self._count and answers(self.port)

    def _ended(self) -> bool:
        return self._process is None or self._process.poll() is not None


def answers(port: int) -> bool:
    """Tell whether /readyz says 200."""
    link = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        link.request("GET", "/readyz")
        return link.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        link.close()
