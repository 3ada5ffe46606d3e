"""Requests that begin and never end, until no thread is left for others."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle, islice
from typing import Final

from app.attacks import defenses
from app.attacks.context import AttackContext
from app.attacks.target import Silent
from app.attacks.visitor import Visitor
from config import THREADS

# A head that does not end, and a body that does not.
HEAD: Final = "POST /auth/login HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
STARTS: Final = (HEAD, HEAD + "Content-Length: 1000\r\n\r\n{{")
SPARE: Final = 8  # connections beyond one for each thread
MAX_UNFINISHED: Final = 96
PROBES: Final = 8  # on connections of their own, so that they reach every worker
SILENCE_SECONDS: Final = 10


def slow_requests(context: AttackContext) -> None:
    """Begin more requests than the server has threads, and ask for something else meanwhile."""
    context.target = replace(context.target, seconds=SILENCE_SECONDS)
    visitor = context.browser("visitor")
    context.works(visitor.ask("GET", "/healthz"), "The server before the attack")
    count = min(context.target.settings.workers * THREADS + SPARE, MAX_UNFINISHED)
    starts = [start.format(host=context.host).encode() for start in islice(cycle(STARTS), count)]
    context.say(f"{count} connections send a part of a request each, and then nothing.")
    with context.target.unfinished(starts, context.source):
        answered = _answered(context, visitor)
    # Without this a network that went away would look like a server without threads.
    context.works(visitor.ask("GET", "/healthz"), "The server after the attack")
    text = f"{answered} of {PROBES} other requests are answered meanwhile"
    context.found(text, defenses.SERVER_LOOP, held=answered == PROBES)


def _answered(context: AttackContext, visitor: Visitor) -> int:
    """Return how many of PROBES requests are answered before one is not."""
    for number in range(PROBES):
        try:
            context.works(visitor.ask("GET", "/healthz"), "Another request meanwhile")
        except Silent:
            return number
    return PROBES
