"""The process of a weakened instance: `python -m app.dev.lab.instance_process NAME`.

It prints its address and the path of its log on one line, and serves until standard input closes.
It runs the server loop that gunicorn's workers run, so that variants can replace the defenses of
the loop too.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from app import create_app
from app.dev.lab.loop_worker import serving
from app.dev.lab.weakened import VARIANTS
from app.services import NAME
from config import Settings

HOST: Final = "127.0.0.1"
BACKLOG: Final = 128


def place(url: str, log: str) -> dict[str, str]:
    """Return the settings that follow from the address and the path of the log."""
    database = f"sqlite:///{Path(log).with_name('latchkey.db')}"
    return {"APP_ENV": "testing", "PUBLIC_URL": url, "DATABASE_URL": database}


def serve(name: str) -> None:
    """Replace a defense, serve, and print where, until standard input closes."""
    with (
        TemporaryDirectory(prefix="latchkey-weakened-", ignore_cleanup_errors=True) as folder,
        socket.create_server((HOST, 0), backlog=BACKLOG) as listener,
    ):
        url, log = f"http://{HOST}:{listener.getsockname()[1]}", f"{folder}/log"
        for variant in VARIANTS:
            if variant.name == name:
                variant.apply()
        app = create_app(Settings.from_env(os.environ | place(url, log)))
        database = app.extensions[NAME].database
        database.metadata.create_all(database.engine)
        with serving(app, listener):
            print(url, log, flush=True)  # noqa: T201 - the parent reads it
            _log_to(log)
            sys.stdin.read()


def _log_to(path: str) -> None:
    """Write standard output and error to a file from now on."""
    with Path(path).open("ab", buffering=0) as log:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(log.fileno(), stream.fileno())


if __name__ == "__main__":
    if sys.argv[1] not in {"", *(variant.name for variant in VARIANTS)}:
        sys.exit(f"there is no weakened variant “{sys.argv[1]}”")
    serve(sys.argv[1])
