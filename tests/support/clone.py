"""A copy of the tree with an instance/ of its own, to type `make` in."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from config import ROOT
from tests.support.processes import end, family, free_port, spawn, wait_until
from tests.support.servers.server import answers

FILES = ("Makefile", "config.py", "wsgi.py", "gunicorn.conf.py", "requirements.txt")
FOLDERS = ("app", "migrations", "static", "templates")

# Bytecode is copied, so that not every server compiles everything. While another process writes
# some, it has a longer name, and may be gone when it is copied.
UNFINISHED = shutil.ignore_patterns("*.pyc.*")


class Clone:
    """What a fresh clone is after its first install: the same .venv, nothing else made yet.

    With a `database`, a SQLite file, it is what the first run leaves.
    """

    def __init__(self, folder: Path, database: Path | None = None) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.instance = folder / "instance"
        self.log = folder / "output.log"
        self._process: subprocess.Popen[bytes] | None = None
        for name in (*FILES, "requirements-dev.txt"):
            shutil.copy2(ROOT / name, folder)
        for name in FOLDERS:
            shutil.copytree(ROOT / name, folder / name, ignore=UNFINISHED)
        (folder / ".venv").symlink_to(sys.prefix)
        if database:
            self.instance.mkdir(0o700)
            shutil.copy(database, self.instance / "latchkey.db")

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("make run was not typed")
        return self._process.pid

    @property
    def output(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def environment(self, **more: str) -> dict[str, str]:
        """Spell the environment of somebody who has set nothing but the port."""
        return {"PATH": os.environ["PATH"], "PORT": str(self.port), **more}

    def do(
        self, words: Sequence[str], environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run a program in the copy to its end, and keep what it says."""
        return subprocess.run(
            words,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def make(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return self.do(["make", *words], self.environment(**more))

    def refusal(self, *words: str, **more: str) -> str:
        """Run `make run` in vain and return what it says, without a traceback."""
        done = self.make("run", *words, **more)
        assert done.returncode != 0
        assert "Traceback" not in done.stderr
        return done.stderr

    def run(self, **more: str) -> list[psutil.Process]:
        """Type `make run`, wait for its address, and return all processes it started."""
        if self._process:
            end(self._process)
        with self.log.open("wb") as log:
            self._process = spawn(
                ["make", "run"],
                cwd=self.folder,
                env=self.environment(**more),
                stdout=log,
                stderr=log,
            )
        process = self._process
        wait_until(lambda: process.poll() is not None or answers(self.port), what="/readyz")
        if process.poll() is not None:
            raise RuntimeError(f"make run ended:\n{self.output}")
        return family(process.pid)

    def interrupt(self) -> int:
        """Press Ctrl-C: the terminal sends SIGINT to the whole process group."""
        if self._process is None:
            raise RuntimeError("make run was not typed")
        os.killpg(self._process.pid, signal.SIGINT)
        return end(self._process, signal.SIGINT)

    def close(self) -> None:
        if self._process and self._process.poll() is None:
            processes = family(self._process.pid)
            end(self._process)
            for process in processes:
                if process.is_running():
                    process.kill()
