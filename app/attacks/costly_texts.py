"""Short texts that take long to normalize."""

from __future__ import annotations

from typing import Final

from app.attacks import defenses
from app.attacks.context import AttackContext
from app.attacks.password_tries import TRIES, WRONG, fastest, try_patiently

# Normalization sorts combining marks, in quadratic time. As many as fit into a body as escapes.
MARKS: Final = "a" + "\u0344" * 5_000 + "\u0316" * 5_000
MAX_SECONDS: Final = 0.15


def costly_texts(context: AttackContext) -> None:
    """Send combining marks in an order that is costly to normalize."""
    context.say(f"{len(MARKS):,} combining marks in the wrong order, as address and as password.")
    for name, by, email, password in (
        ("an address", defenses.EMAIL_LENGTH, MARKS, WRONG),
        ("a password", defenses.PASSWORD_LENGTH, context.stranger(), MARKS),
    ):
        seconds = fastest(try_patiently(context, email, password) for _ in range(TRIES))
        text = f"as {name} they take {seconds * 1000:.0f} ms"
        context.found(text, by, held=seconds < MAX_SECONDS)
