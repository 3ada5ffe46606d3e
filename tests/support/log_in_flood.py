"""Floods of log-ins from addresses of the attacker's choice, and honest people meanwhile."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import count, repeat
from typing import Final

from tests.support.accounts import create_accounts
from tests.support.processes import wait_until
from tests.support.servers.gunicorn import GunicornServer

PASSWORD: Final = "four words for a flood"
WRONG: Final = "wrong wrong wrong wrong"
DEVICE: Final = "__Host-Http-device"
SECONDS: Final = 60
_numbers: Final = count()

Attempt = tuple[str, str, str]
"""The address it comes from, the e-mail address, the password."""


@dataclass
class Person:
    """One browser behind a proxy, on one connection; it keeps the mark of a known browser."""

    port: int
    ip: str
    email: str = ""
    mark: str = ""
    link: HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self.link = HTTPConnection("localhost", self.port, timeout=SECONDS)
        self.email = self.email or f"person-{next(_numbers)}@example.com"

    def close(self) -> None:
        self.link.close()

    def log_in(self) -> int:
        return self.ask("/auth/login", self.email, PASSWORD)

    def ask(self, path: str, email: str, password: str, ip: str = "") -> int:
        headers = {
            "Content-Type": "application/json",
            "X-Forwarded-For": ip or self.ip,
            "X-Forwarded-Host": f"localhost:{self.port}",
        }
        if self.mark:
            headers["Cookie"] = f"{DEVICE}={self.mark}"
        self.link.request(
            "POST", path, json.dumps({"email": email, "password": password}), headers
        )
        answer = self.link.getresponse()
        answer.read()
        for line in answer.msg.get_all("Set-Cookie", []):
            if line.startswith(f"{DEVICE}="):
                self.mark = line.partition("=")[2].partition(";")[0]
        return answer.status


@contextmanager
def flood(
    port: int, connections: int, attempts: Callable[[int], Iterator[Attempt]], mark: str = ""
) -> Iterator[Counter[int]]:
    """Have as many connections log in without a pause, all with one mark of a known browser.

    Counts the answers by status, and begins when the first was refused: before, it is no flood.
    """
    over, answers, lock = threading.Event(), Counter[int](), threading.Lock()

    def attack(number: int) -> None:
        attacker = Person(port, "203.0.113.1", mark=mark)
        for ip, email, password in attempts(number):
            if over.is_set():
                break
            status = attacker.ask("/auth/login", email, password, ip)
            with lock:
                answers[status] += 1
        attacker.close()

    with ThreadPoolExecutor(connections) as pool:
        running = [pool.submit(attack, number) for number in range(connections)]
        try:
            wait_until(lambda: answers[503] + answers[429] > 0, "a refusal")
            yield answers
        finally:
            over.set()
        for one in running:
            one.result()


def people_of(server: GunicornServer, count: int) -> list[Person]:
    """Return people with accounts, each at home in a network of their own."""
    people = [Person(server.port, f"198.{51 + number}.100.7") for number in range(count)]
    create_accounts(server, [person.email for person in people], PASSWORD)
    return people


def own_accounts(emails: list[str], ip: str) -> Callable[[int], Iterator[Attempt]]:
    """Right passwords of one's own accounts, all from one address."""
    return lambda number: repeat((ip, emails[number % len(emails)], PASSWORD))


def wrong_passwords(networks: int) -> Callable[[int], Iterator[Attempt]]:
    """Wrong passwords for ever new accounts, from so many /24 networks in turn."""

    def attempts(number: int) -> Iterator[Attempt]:
        for turn in count():
            place = (number * 7 + turn) % networks
            yield f"10.{place}.0.{turn % 250}", f"nobody-{number}-{turn}@example.com", WRONG

    return attempts


def honest(people: list[Person], times: int, pause: float) -> list[tuple[int, float]]:
    """Have each log in so many times, one after the other; return status and seconds."""
    seen = []
    for _ in range(times):
        for person in people:
            begun = time.monotonic()
            seen.append((person.log_in(), time.monotonic() - begun))
            time.sleep(pause)
    return seen
