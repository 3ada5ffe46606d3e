"""A key of the attacker in the victim's browser."""

from __future__ import annotations

from app.attacks import defenses
from app.attacks.context import AttackContext
from app.attacks.password_change import change_password, new_password
from app.attacks.visitor import OK


def planted_key(context: AttackContext) -> None:
    """Keep a planted key as the session's key over a change of the password."""
    former, after = context.owner(bound=True), context.browser(bound=True)
    former.who = "thief"
    context.say("The session is bound to a key of the thief. The owner changes the password.")
    with new_password(context) as new:
        answer = change_password(context, former, new, after.key.thumbprint)
        after.jar.update(former.jar)
        after.adopt(answer)
        after.fetch_nonce()
        held = after.refresh().status == OK
        context.found(
            "the new session is bound to the new key", defenses.PASSWORD_CHANGE, held=held
        )
        answer = former.refresh(after.refresh_token)
        text = "the new cookie with a proof by the former key"
        context.ended(answer, text, defenses.PASSWORD_CHANGE)
