"""Log-ins with wrong passwords, and how long their answers take."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from app.attacks.answer import Answer
from app.attacks.context import AttackContext

GUESS: Final = "Summer2026! Summer2026!"
WRONG: Final = "not the right passphrase"
TRIES: Final = 3


def try_password(
    context: AttackContext, email: str, password: str = GUESS, *, afar: bool = False
) -> Answer:
    """Try a password; from an address that no other request uses when `afar`."""
    attacker = context.browser("attacker")
    if afar:
        attacker.source = context.target.another_address()
    return attacker.ask("POST", "/auth/login", {"email": email, "password": password})


def try_patiently(context: AttackContext, email: str, password: str) -> Answer:
    """Try a password, and wait where a limit would hide the answer.

    Raises:
        Inconclusive: when the wait is too long, see `RecordedTarget.patiently`.

    """
    return context.patiently(lambda: try_password(context, email, password))


def fastest(answers: Iterable[Answer]) -> float:
    """Return the shortest time in seconds: a busy machine only ever adds to it."""
    return min(answer.seconds for answer in answers)
