"""Changing the password in an attack, and changing it back for accounts that last."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from app.attacks.answer import Answer
from app.attacks.context import AttackContext
from app.attacks.obstacles import Inconclusive
from app.attacks.visitor import OK, Visitor


@contextmanager
def new_password(context: AttackContext) -> Iterator[str]:
    """Yield a password to change to; afterwards a lasting account gets its former one back.

    Raises:
        Inconclusive: when the server refuses that; the message has the present password.

    """
    account = context.account
    former, new = account.password, f"wander {secrets.token_hex(8)} lantern"
    try:
        yield new
    finally:
        if account.lasting and account.password == new:
            _change_back(context, former)


def change_password(context: AttackContext, visitor: Visitor, new: str, jkt: str = "") -> Answer:
    """Change the password from a visitor's session, and bind the next one to the key `jkt`.

    Raises:
        Inconclusive: when the server refuses.

    """
    body = {"current_password": context.account.password, "new_password": new}
    if jkt:
        body["dpop_jkt"] = jkt
    answer = visitor.protected("POST", "/auth/password", body)
    context.works(answer, "The change of the password")
    context.account.password = new
    return answer


def _change_back(context: AttackContext, former: str) -> None:
    present = context.account.password
    body = {"current_password": present, "new_password": former}
    answer = context.owner().protected("POST", "/auth/password", body)
    if answer.status != OK:
        raise Inconclusive(f"the password could not be changed back: it is now “{present}”")
    context.account.password = former
