"""Guessing passwords: one on many accounts, and many on one account."""

from __future__ import annotations

from typing import Final

from app.attacks import defenses
from app.attacks.context import AttackContext
from app.attacks.password_tries import try_password
from app.attacks.recorded_target import TOO_MANY

TRIES_OF_ADDRESS: Final = 30
TRIES_AT_ACCOUNT: Final = 5


def password_spraying(context: AttackContext) -> None:
    """Count how many guesses the server answers before it says to wait."""
    context.say("One common password, tried on one account after the other.")
    tried = 0
    while tried <= TRIES_OF_ADDRESS and not _must_wait(context, context.stranger()):
        tried += 1
    text = f"after {tried} accounts the address has to wait"
    context.found(text, defenses.ADDRESS_LIMIT, held=tried <= TRIES_OF_ADDRESS)
    context.source = context.target.another_address()
    if context.source:
        _guess_at_one_account(context)
    else:
        context.say("There is only one address to come from, and it has to wait. This ends here.")


def _guess_at_one_account(context: AttackContext) -> None:
    context.say("Many passwords on one account, from another address.")
    email, guessed = context.stranger(), 0
    while guessed <= TRIES_AT_ACCOUNT and not _must_wait(context, email):
        guessed += 1
    text = f"after {guessed} guesses the account has to wait"
    context.found(text, defenses.ACCOUNT_LIMIT, held=guessed <= TRIES_AT_ACCOUNT)


def _must_wait(context: AttackContext, email: str) -> bool:
    return try_password(context, email).status == TOO_MANY
