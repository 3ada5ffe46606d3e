"""The attacker of `bench.flood`: a process of its own, started with the kind of its flood.

Arguments: port, kind, connections, and a number that no flood before it had. It begins when it
prints a line, ends when its input does, and then prints how its attempts were answered.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Final

from tests.support.log_in_flood import WRONG, Attempt, flood, own_accounts, wrong_passwords

ACCOUNTS: Final = 12
NETWORKS: Final = 200
PasswordLogin = Callable[[int], Iterator[Attempt]]


def main() -> None:
    """Flood until the input ends."""
    port, kind, connections, number = int(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:])
    attempts = kinds(number)[kind]()
    begun = time.monotonic()
    with flood(port, connections, attempts) as answers:
        print(flush=True)
        sys.stdin.read()
    seconds = time.monotonic() - begun
    print(json.dumps({str(status): round(n / seconds) for status, n in sorted(answers.items())}))


def kinds(number: int) -> dict[str, Callable[[], PasswordLogin]]:
    """Name the floods; each comes from an address that no flood before it used up."""
    ip = f"203.0.{number}.1"
    return {
        "own": lambda: own_accounts(own_emails(number), ip),
        "wrong": lambda: partial(_guesses, ip),
        "networks": lambda: wrong_passwords(NETWORKS),
    }


def own_emails(number: int) -> list[str]:
    """Name the attacker's accounts, which the bench makes before the flood begins."""
    return [f"own-{number}-{n}@example.com" for n in range(ACCOUNTS)]


def _guesses(ip: str, connection: int) -> Iterator[Attempt]:
    for turn in count():
        yield ip, f"nobody-{connection}-{turn}@example.com", WRONG


if __name__ == "__main__":
    main()
