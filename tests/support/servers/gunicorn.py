"""Real gunicorn over the real configuration, on a port of its own."""

import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from config import ROOT, Settings
from tests.support.processes import end, family, free_port, survivors
from tests.support.servers import nursery
from tests.support.servers.server import ServerProcess, answers

HAND_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
os.execv(sys.argv[2], sys.argv[2:])
"""


class GunicornServer(ServerProcess):
    """One master with its workers.

    `url` is its PUBLIC_URL: its own address, unless `public_url` names that of a proxy. It is
    forked from a process that has imported everything, unless `forked` is false: then it starts
    as in a deployment.
    """

    def __init__(  # noqa: PLR0913 - what makes a server
        self,
        environment: Mapping[str, str],
        log: Path,
        workers: int = 2,
        app: str = "wsgi:app",
        public_url: str = "",
        *,
        forked: bool = True,
    ) -> None:
        self._app, self._forked = app, forked
        self.port = free_port()
        self.url = public_url or f"http://localhost:{self.port}"
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

    @property
    def settings(self) -> Settings:
        return Settings.from_env(self._environment)

    @property
    def log_file(self) -> Path:
        return self._log

    @property
    def database(self) -> str:
        return self._environment["DATABASE_URL"].removeprefix("sqlite:///")

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("this gunicorn does not run")
        return self._process.pid

    @property
    def workers(self) -> list[int]:
        return [process.pid for process in family(self.pid)[1:]]

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def start(self, listener: socket.socket | None = None) -> None:
        """Start it and wait for a first answer of /readyz.

        A `listener` is handed over as systemd does it: as file descriptor 3.
        """
        if self._forked and listener is None and sys.platform == "linux":
            self._process = nursery.gunicorn([self._app], self._environment, self._log)
            self.wait_until_it_answers(self._log)
            return
        command: list[str] = [sys.executable, "-m", "gunicorn", self._app]
        handed = [listener.fileno()] if listener else []
        if handed:
            command = [sys.executable, "-c", HAND_OVER, str(handed[0]), *command]
        self.launch(command, self._log, cwd=ROOT, env=self._environment, pass_fds=handed)

    def terminate(self) -> int:
        """Let it finish what it has begun and end; return its exit status."""
        if self._process is None:
            raise RuntimeError("this gunicorn does not run")
        return end(self._process, signal.SIGTERM, seconds=30)

    def stop(self) -> None:
        """Stop it by its process id, and whatever of it should be left."""
        if self._process:
            processes = [] if self.has_ended() else family(self.pid)
            end(self._process, signal.SIGINT, seconds=3)
            for process in survivors(processes, seconds=1):
                process.kill()
            self._process = None

    def answers(self) -> bool:
        return len(self.workers) == self._count and answers(self.port)


Serve = Callable[..., GunicornServer]
"""A function that starts gunicorn: `serve(environment, workers=2)`."""
