"""Attacks that keep others out: requests that never end, and a queue that one address fills."""

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

from app.attacks.context import OK, Account, AttackContext, Missing, Visitor
from app.attacks.throwaway_accounts import throwaways
from app.attacks.wire import Silent
from app.errors import Busy, Refusal
from app.web.cookies import DEVICE
from config import THREADS

LOOP: Final = "app/server/loop.py:Server"
PLACE: Final = "app/accounts/hash_queue.py:HashQueue.place"

# A head that does not end, and a body that does not.
HEAD: Final = "POST /auth/login HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
STARTS: Final = (HEAD, HEAD + "Content-Length: 1000\r\n\r\n{{")
SPARE: Final = 8  # connections beyond one for each thread
MAX_UNFINISHED: Final = 96
PROBES: Final = 8  # on connections of their own, so that every worker gets some
SILENCE_SECONDS: Final = 10

ACCOUNTS: Final = 10  # 30 log-ins a minute each: all that one address may have
FLOODERS: Final = 48  # six times the places of a worker
# The pause after a refusal, and how long an answer is waited for: a server that holds refusals
# back must not slow the flood down by that.
PATIENCE_SECONDS: Final = 0.1
LOG_INS: Final = 10
MAX_REFUSED: Final = 1


def slow_requests(context: AttackContext) -> None:
    """Begin requests and never finish them, until no thread is left for others."""
    context.target = replace(context.target, seconds=SILENCE_SECONDS)
    visitor = context.browser("visitor")
    context.works(visitor.ask("GET", "/healthz"), "The server before it")
    count = min(context.target.settings.workers * THREADS + SPARE, MAX_UNFINISHED)
    starts = [start.format(host=context.host).encode() for start in islice(cycle(STARTS), count)]
    context.say(f"{count} connections send a part of a request each, and leave it at that.")
    with context.target.unfinished(starts, context.source):
        answered = _answered(context, visitor)
    # A network that went away meanwhile is silent afterwards too.
    context.works(visitor.ask("GET", "/healthz"), "The server after it")
    text = f"{answered} of {PROBES} other requests are answered meanwhile"
    context.found(text, LOOP, held=answered == PROBES)


def _answered(context: AttackContext, visitor: Visitor) -> int:
    for number in range(PROBES):
        try:
            context.works(visitor.ask("GET", "/healthz"), "Another request meanwhile")
        except Silent:
            return number
    return PROBES


def log_in_starvation(context: AttackContext) -> None:
    """Fill the queue for password hashes with right passwords of the attacker's own accounts."""
    owner = context.owner()  # from here on in a known browser
    context.say(
        f"{FLOODERS} connections from one address log in to {ACCOUNTS} accounts of its own."
    )
    elsewhere = context.target.another_address()
    with _flood(context) as told:
        if elsewhere:
            stranger = context.browser("visitor")
            stranger.source = elsewhere
            _log_in_meanwhile(context, stranger, "from elsewhere, in browsers never seen before,")
        _log_in_meanwhile(context, owner, "in the owner's browser, from the flooding address,")
    if not elsewhere:
        context.say("There is only one address to come from here, so only that browser was tried.")
    counts = ", ".join(f"{count} {what}" for what, count in sorted(told.items()))
    context.say(f"The attacker's own log-ins: {counts}.")


def _log_in_meanwhile(context: AttackContext, visitor: Visitor, how: str) -> None:
    """Find whether the queue has a place for honest log-ins.

    Every other refusal proves nothing about the queue.
    """
    is_known, tried, refused = DEVICE in visitor.jar, 0, 0
    while tried < LOG_INS and refused <= MAX_REFUSED:
        if not is_known:
            visitor.jar.pop(DEVICE, None)
        answer = visitor.ask("POST", "/auth/login", _credentials(context.account))
        tried += 1
        if answer.code == Busy.code:
            refused += 1
        else:
            context.works(answer, "An honest log-in meanwhile")
    text = f"{tried - refused} of {tried} log-ins {how} succeed meanwhile"
    context.found(text, PLACE, held=refused <= MAX_REFUSED)


@contextmanager
def _flood(context: AttackContext) -> Iterator[Counter[str]]:
    """Log in from one address, in ever new browsers, and count what becomes of it.

    It has a record of its own, which is dropped: it would fill that of the attack.

    Raises:
        Missing: when the attacker cannot have accounts.

    """
    hasty = replace(context.target, seconds=PATIENCE_SECONDS)
    attacker, over, told = AttackContext(hasty, context.account), threading.Event(), Counter[str]()
    attacker.source = context.source

    def log_in(account: Account) -> Counter[str]:
        became = Counter[str]()
        while not over.is_set():
            visitor = attacker.browser("attacker")
            try:
                status = visitor.ask("POST", "/auth/login", _credentials(account)).status
            except Silent:
                became["not waited for"] += 1
                continue
            became[f"answered {status}"] += 1
            if status != OK:
                over.wait(PATIENCE_SECONDS)
        return became

    with ExitStack() as opened:
        try:
            own = opened.enter_context(throwaways(context.target.settings, ACCOUNTS))
        except (Refusal, SQLAlchemyError) as error:
            why = type(error).__name__  # the text of a database error has the values
            raise Missing(f"the attacker cannot have accounts of its own: {why}") from None
        pool = opened.enter_context(ThreadPoolExecutor(FLOODERS))
        running = [pool.submit(log_in, account) for account in islice(cycle(own), FLOODERS)]
        try:
            yield told
        finally:
            over.set()
        for one in running:
            told.update(one.result())


def _credentials(account: Account) -> dict[str, str]:
    return {"email": account.email, "password": account.password}
