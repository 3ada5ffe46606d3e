"""Log-ins per second under real gunicorn, its start and its memory.

Client and server share the machine. The client is Python, which is enough for log-ins: hashing is
what they cost.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from http.client import HTTPConnection
from itertools import count, cycle
from pathlib import Path
from typing import Final

import psutil

from bench.cores import load
from tests.support.accounts import create_accounts
from tests.support.servers.gunicorn import GunicornServer

CONNECTIONS: Final = 8
ACCOUNTS: Final = 4
LOG_IN_SECONDS: Final = 5.0
STARTS: Final = 5
PASSWORD: Final = "four words for a bench"  # noqa: S105 - of an account that lives for seconds

Step = Callable[[], float]
_numbers: Final = count()


class Visitor:
    """One person on one connection, with accounts in turn: each may log in 30 times a minute."""

    def __init__(self, server: GunicornServer) -> None:
        """Open the accounts."""
        self.link = HTTPConnection("localhost", server.port, timeout=30)
        emails = [f"bench-{time.time_ns()}-{next(_numbers)}@example.com" for _ in range(ACCOUNTS)]
        create_accounts(server, emails, PASSWORD)
        self.emails = cycle(emails)

    def log_in(self) -> float:
        """Log in and return the seconds it took."""
        return self.post("/auth/login", {"email": next(self.emails), "password": PASSWORD}, 200)

    def post(self, path: str, body: Mapping[str, str], expected: int) -> float:
        """Send a body and return the seconds until its answer was read."""
        headers = {"Content-Type": "application/json"}
        begun = time.perf_counter()
        self.link.request("POST", path, json.dumps(body), headers)
        answer = self.link.getresponse()
        text = answer.read()
        took = time.perf_counter() - begun
        if answer.status == 503:  # noqa: PLR2004 - busy: the gate did its work
            time.sleep(0.05)
            return self.post(path, body, expected)
        if answer.status != expected:
            raise RuntimeError(f"{path}: {answer.status} {text!r}")
        return took


def run(environment: Mapping[str, str]) -> None:
    """Print the figures."""
    print(f"gunicorn, 2 workers; a client in Python, {CONNECTIONS} connections ({load()}):")
    with tempfile.TemporaryDirectory() as folder:
        server = GunicornServer(environment, Path(folder) / "gunicorn.log", forked=False)
        starts = []
        for _ in range(STARTS):
            begun = time.perf_counter()
            server.start()
            starts.append(time.perf_counter() - begun)
            server.stop()
        print(f"{statistics.median(starts):8.2f} s   from start to the first answer")
        server.start()
        try:
            visitors = [Visitor(server) for _ in range(CONNECTIONS)]
            report("log-ins", [v.log_in for v in visitors], LOG_IN_SECONDS)
            resident = [psutil.Process(pid).memory_info().rss / 2**20 for pid in server.workers]
            print(f"{max(resident):8.0f} MiB resident in the larger worker afterwards")
        finally:
            server.stop()


def report(name: str, steps: list[Step], seconds: float) -> None:
    """Repeat every step on a thread of its own and print the rate and the latencies."""
    taken: list[float] = []
    until = time.perf_counter() + seconds

    def repeat(step: Step) -> None:
        while time.perf_counter() < until:
            taken.append(step())

    threads = [threading.Thread(target=repeat, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cuts = statistics.quantiles(taken, n=100)
    rate = len(taken) / seconds
    print(f"{rate:8.0f} /s  {name}; p50 {cuts[49] * 1e3:.0f} ms, p99 {cuts[98] * 1e3:.0f} ms")
