"""A flood of log-ins with right passwords, from one address and in new browsers each time."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import cycle, islice
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from app.attacks.attacked_account import Account
from app.attacks.context import AttackContext
from app.attacks.obstacles import Missing
from app.attacks.target import Silent
from app.attacks.throwaway_accounts import throwaways
from app.attacks.visitor import OK
from app.errors import Refusal
from config import Settings

ACCOUNTS: Final = 10  # an account may log in 30 times a minute: these have all of an address
FLOODERS: Final = 48  # six times the places of a worker
# How long a flooder waits for an answer, and after a refusal. A server that delays refusals
# must not slow the flood down.
PATIENCE_SECONDS: Final = 0.1


@contextmanager
def flood(context: AttackContext) -> Iterator[Counter[str]]:
    """Flood the log-in while the context lasts; afterwards the counter has what became of it.

    Its requests are not recorded with the attack, because they would fill the record.

    Raises:
        Missing: when the attacker cannot have accounts.

    """
    hasty = replace(context.target, seconds=PATIENCE_SECONDS)
    attacker, counts = AttackContext(hasty, context.account), Counter[str]()
    attacker.source = context.source
    over = threading.Event()
    with ExitStack() as opened:
        accounts = _accounts(opened, context.target.settings)
        pool = opened.enter_context(ThreadPoolExecutor(FLOODERS))
        flooded = islice(cycle(accounts), FLOODERS)
        running = [pool.submit(_log_in_until, over, attacker, account) for account in flooded]
        try:
            yield counts
        finally:
            over.set()
        for flooder in running:
            counts.update(flooder.result())


def _accounts(opened: ExitStack, settings: Settings) -> list[Account]:
    try:
        return opened.enter_context(throwaways(settings, ACCOUNTS))
    except (Refusal, SQLAlchemyError) as error:
        name = type(error).__name__  # the text of a database error contains the values
        raise Missing(f"the attacker cannot have accounts: {name}") from None


def _log_in_until(
    over: threading.Event, attacker: AttackContext, account: Account
) -> Counter[str]:
    counts = Counter[str]()
    while not over.is_set():
        visitor = attacker.browser("attacker")
        try:
            status = visitor.ask("POST", "/auth/login", account.credentials).status
        except Silent:
            counts["not waited for"] += 1
            continue
        counts[f"answered {status}"] += 1
        if status != OK:
            over.wait(PATIENCE_SECONDS)
    return counts
