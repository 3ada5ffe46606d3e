"""A weakened instance: Latchkey in a process of its own, with one defense replaced.

`python -m app.dev.lab.weakened_instance NAME` is that process; with an empty name nothing is
replaced. It runs the server loop that gunicorn's workers run, so that the loop's defenses can be
replaced too. It has its own address, database and secrets, and shares Redis under other key
names. It stops when its standard input closes, so no weakened server outlives the process that
started it.
"""

from __future__ import annotations

import os
import select
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from app import create_app
from app.attacks.target import Target
from app.dev.lab.weakened import VARIANTS
from app.dev.lab.worker import serving
from app.services import NAME
from config import ARGON2_FLOOR, ROOT, Settings, new_secret

HOST: Final = "127.0.0.1"
BACKLOG: Final = 128
START_SECONDS: Final = 30
STOP_SECONDS: Final = 10


class InstanceError(Exception):
    """A weakened instance that does not start; `str()` is what it said."""


@contextmanager
def weakened_instance(name: str, settings: Settings) -> Iterator[Target]:
    """Start an instance with the weakened variant `name`, none if empty, and stop it afterwards.

    Raises:
        InstanceError.

    """
    environment = os.environ | _settings_of_its_own(settings)
    child = subprocess.Popen(  # noqa: S603 - this very module
        [sys.executable, "-m", "app.dev.lab.weakened_instance", name],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a terminal's Ctrl-C is not for it
    )
    url, _, log = _first_line(child).partition(" ")
    if not log:
        raise InstanceError(
            f"The weakened instance does not start: {_end(child) or 'it says nothing'}"
        )
    try:
        yield Target(url, Settings.from_env(environment | _place(url, log)), Path(log))
    finally:
        _end(child)
        shutil.rmtree(Path(log).parent, ignore_errors=True)  # what is killed leaves it behind


def serve(name: str) -> None:
    """Undo a defense, serve, and say where; until standard input ends."""
    with (
        TemporaryDirectory(prefix="latchkey-weakened-", ignore_cleanup_errors=True) as folder,
        socket.create_server((HOST, 0), backlog=BACKLOG) as listener,
    ):
        url, log = f"http://{HOST}:{listener.getsockname()[1]}", f"{folder}/log"
        for variant in VARIANTS:
            if variant.name == name:
                variant.apply()
        app = create_app(Settings.from_env(os.environ | _place(url, log)))
        database = app.extensions[NAME].database
        database.metadata.create_all(database.engine)
        with serving(app, listener):
            print(url, log, flush=True)  # noqa: T201 - to the parent
            _log_to(log)
            sys.stdin.read()


def _settings_of_its_own(settings: Settings) -> dict[str, str]:
    memory, passes = min(ARGON2_FLOOR)
    return {
        "JWT_SECRET": new_secret(),
        "JWT_SECRET_PREVIOUS": "",
        "JWT_AUDIENCE": "",
        "SECRET_KEY": new_secret(),
        "REDIS_URL": settings.redis_url,
        "TRUSTED_PROXIES": "0",
        "ARGON2_MEMORY_KIB": str(memory),
        "ARGON2_TIME": str(passes),
        "ARGON2_PARALLELISM": "1",
    }


def _place(url: str, log: str) -> dict[str, str]:
    database = f"sqlite:///{Path(log).with_name('latchkey.db')}"
    return {"APP_ENV": "testing", "PUBLIC_URL": url, "DATABASE_URL": database}


def _first_line(child: subprocess.Popen[str]) -> str:
    if child.stdout and select.select([child.stdout], [], [], START_SECONDS)[0]:
        return child.stdout.readline().rstrip("\n")
    return ""


def _end(child: subprocess.Popen[str]) -> str:
    """Close the input of an instance, kill it if it goes on, and return its error output."""
    try:
        _, said = child.communicate(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        _, said = child.communicate()
    return said.strip()


def _log_to(path: str) -> None:
    """Write what goes to standard output and error from now on to a file."""
    with Path(path).open("ab", buffering=0) as log:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(log.fileno(), stream.fileno())


if __name__ == "__main__":
    if sys.argv[1] not in {"", *(variant.name for variant in VARIANTS)}:
        sys.exit(f"there is no weakened variant “{sys.argv[1]}”")
    serve(sys.argv[1])
