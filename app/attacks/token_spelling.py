"""Other spellings of the same token, and the token in other places."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from app.attacks import defenses
from app.attacks.context import AttackContext

ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def token_malleability(context: AttackContext) -> None:
    """Present a good token in spellings and places that a lenient server accepts too.

    What is denied or remembered under one spelling has to be so under all.
    """
    owner, by = context.owner(), defenses.CREDENTIAL
    token = owner.access
    context.say("Each of these decodes to the same signature in a lenient reader.")
    for spelling, what in _spellings(token):
        context.no_token(owner.me(spelling), what, defenses.TOKEN_FORM)
    context.say("The token in places that are logged, or that browsers send by themselves.")
    browser = context.browser("owner")
    answer = browser.ask("GET", f"/api/me?access_token={token}")
    context.no_token(answer, "in the address", by)
    answer = browser.ask("GET", "/api/me", headers={"Cookie": f"access_token={token}"})
    context.no_token(answer, "in a cookie", by)
    twice = {"Authorization": f"Bearer {token}, Bearer {token}"}
    context.no_token(browser.ask("GET", "/api/me", headers=twice), "twice", by)
    context.works(owner.me(), "The owner's unchanged token")


def _spellings(token: str) -> Iterator[tuple[str, str]]:
    head, payload, signature = token.split(".")
    yield f"{token}=", "with padding"
    yield f"{head}=.{payload}.{signature}", "with padding inside"
    # A signature of 32 bytes leaves two bits of the last character unused: three other
    # characters decode to the same bytes.
    last = ALPHABET[ALPHABET.index(signature[-1]) ^ 1]
    yield f"{token[:-1]}{last}", "with another last character"
    yield f"{head}.{payload}.{signature[:8]}!!{signature[8:]}", "with characters to skip"
    yield f"{token}.", "with a fourth segment"
