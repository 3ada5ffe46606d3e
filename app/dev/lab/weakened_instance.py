"""A weakened instance: Latchkey in a process of its own, with one defense replaced.

It has its own address, database and secrets, and shares Redis under other key names. The process
is `app.dev.lab.instance_process`; it stops when its standard input closes, so no weakened server
outlives the process that started it.
"""

from __future__ import annotations

import os
import select
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen, TimeoutExpired
from typing import Any, Final

from app.attacks.target import Target
from app.dev.lab.instance_process import place
from app.settings.hash_cost import ARGON2_FLOOR
from config import ROOT, Settings, new_secret

PROCESS: Final = "app.dev.lab.instance_process"
START_SECONDS: Final = 30
STOP_SECONDS: Final = 10

# What starts the process: Popen, or something with the same arguments and methods.
Starter = Callable[..., Any]


class InstanceError(Exception):
    """The weakened instance did not start; `str()` says why."""


@contextmanager
def weakened_instance(name: str, settings: Settings, start: Starter = Popen) -> Iterator[Target]:
    """Start an instance and stop it afterwards; it takes only Redis from `settings`.

    `name` is that of the weakened variant; an empty name replaces nothing.

    Raises:
        InstanceError: when there is no such variant, or the instance is not ready in time.

    """
    environment = os.environ | _environment(settings)
    child = start(
        [sys.executable, "-m", PROCESS, name],
        cwd=ROOT,
        env=environment,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        text=True,
        start_new_session=True,  # so that Ctrl-C in a terminal does not reach it
    )
    url, _, log = _first_line(child).partition(" ")
    if not log:
        why = _end(child) or "it says nothing"
        raise InstanceError(f"The weakened instance does not start: {why}")
    try:
        yield Target(url, Settings.from_env(environment | place(url, log)), Path(log))
    finally:
        _end(child)
        shutil.rmtree(Path(log).parent, ignore_errors=True)  # a killed process leaves it


def _environment(settings: Settings) -> dict[str, str]:
    memory, passes = min(ARGON2_FLOOR)
    return {
        "JWT_SECRET": new_secret(),
        "JWT_SECRET_PREVIOUS": "",
        "JWT_AUDIENCE": "",
        "SECRET_KEY": new_secret(),
        # Messages are written as usual, and wait: the process has no thread that sends.
        "MAIL_URL": "smtp://127.0.0.1:1",
        "MAIL_FROM": "latchkey@localhost",
        "REDIS_URL": settings.redis_url,
        "TRUSTED_PROXIES": "0",
        "ARGON2_MEMORY_KIB": str(memory),
        "ARGON2_TIME": str(passes),
        "ARGON2_PARALLELISM": "1",
    }


def _first_line(child: Popen[str]) -> str:
    if child.stdout and select.select([child.stdout], [], [], START_SECONDS)[0]:
        return child.stdout.readline().rstrip("\n")
    return ""


def _end(child: Popen[str]) -> str:
    """Close the input of an instance, kill it if it goes on, and return its error output."""
    try:
        _, errors = child.communicate(timeout=STOP_SECONDS)
    except TimeoutExpired:
        child.kill()
        _, errors = child.communicate()
    return errors.strip()
