"""The cores and the other work of the machine, which decide what a figure is worth."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process, and every server started meanwhile, on one core where the system allows.

    A core that goes to sleep while it waits for Redis pays for waking up: with a second core in
    reach the same guard takes half as long again, depending on what else runs.
    """
    if not hasattr(os, "sched_setaffinity"):
        print("this system cannot pin a process: absolute figures depend on idle cores")
        yield
        return
    allowed = os.sched_getaffinity(0)
    core = max(allowed)
    os.sched_setaffinity(0, {core})
    print(f"pinned to core {core}, with Valkey and PostgreSQL")
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def load() -> str:
    """Say how many processes wanted a core in the last minute, those of the bench included."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
