"""Requests that make the server hash passwords until nothing is left for others."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from app.attacks import defenses
from app.attacks.context import AttackContext
from app.attacks.password_tries import try_password, try_patiently
from app.attacks.recorded_target import TOO_MANY

FLOOD: Final = 100  # more than eight workers hash and queue at once
UNAUTHORIZED: Final = 401
UNAVAILABLE: Final = 503
LONG_PASSWORDS: Final = (
    ("\u00e9" * 600, 400, defenses.PASSWORD_BYTES),
    ("x" * 200_000, 413, defenses.BODY_LENGTH),
)


def hashing_floods(context: AttackContext) -> None:
    """Send long passwords, and then many log-ins at once."""
    context.say("Passwords that are too long to hash.")
    for password, status, by in LONG_PASSWORDS:
        answer = try_patiently(context, context.stranger(), password)
        size = len(password.encode())
        context.found(f"{size} bytes: {answer.status}", by, held=answer.status == status)
    context.say(f"{FLOOD} log-ins at the same moment.")
    counts = _flood(context)
    expected = {status: counts[status] for status in (UNAUTHORIZED, TOO_MANY, UNAVAILABLE)}
    text = ", ".join(f"{count} answered {status}" for status, count in expected.items())
    # When all come from one address, its limit may leave the queue nothing to refuse.
    is_limited = counts[TOO_MANY] and not counts[UNAVAILABLE]
    by = defenses.ADDRESS_LIMIT if is_limited else defenses.HASH_QUEUE
    held = sum(expected.values()) == FLOOD and counts[UNAUTHORIZED] < FLOOD
    context.found(text, by, held=held)
    context.works(context.browser("visitor").ask("GET", "/healthz"), "The server afterwards")


def _flood(context: AttackContext) -> Counter[int]:
    """Log in FLOOD times at once, each time from another address; count the statuses."""

    def log_in(_number: int) -> int:
        return try_password(context, context.stranger(), afar=True).status

    with ThreadPoolExecutor(FLOOD) as pool:
        return Counter(pool.map(log_in, range(FLOOD)))
