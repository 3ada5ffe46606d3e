"""What ends a session, and what must not."""

from __future__ import annotations

from app.attacks import defenses
from app.attacks.context import AttackContext
from app.attacks.password_change import change_password, new_password
from app.attacks.visitor import OK


def password_change_keeps_sessions(context: AttackContext) -> None:
    """Stay logged in while the owner changes the password because of a thief."""
    thief, owner, bound = context.owner(), context.owner(), context.owner(bound=True)
    thief.who = bound.who = "thief"
    context.say("The thief has sessions in the account. The owner changes the password.")
    with new_password(context) as new:
        former, spent = owner.access, owner.refresh_token
        owner.adopt(change_password(context, owner, new))
        context.no_token(thief.me(), "the thief's access token", defenses.DENYLIST)
        answer = thief.refresh()
        context.ended(answer, "the thief's refresh token", defenses.PASSWORD_CHANGE)
        context.no_token(bound.me(), "the thief's bound access token", defenses.DENYLIST)
        context.no_token(owner.me(former), "the owner's former access token", defenses.DENYLIST)
        answer = context.thief().refresh(spent)
        context.ended(answer, "the owner's former refresh token", defenses.PASSWORD_CHANGE)
        context.works(owner.me(), "The owner's new session")


def captured_token_log_out(context: AttackContext) -> None:
    """End the owner's session with an access token that protected routes refuse."""
    owner, armed = context.owner(bound=True), context.thief(bound=True)
    context.say("Somebody captured an access token of a bound session, and logs out with it.")
    armed.fetch_nonce()
    bound = {"Authorization": f"DPoP {owner.access}"}
    proof = armed.proof_header("POST", "/auth/logout", owner.access)
    for what, visitor, headers in (
        ("as Bearer", context.thief(), {"Authorization": f"Bearer {owner.access}"}),
        ("without proof", context.thief(), bound),
        ("with the thief's key", armed, bound | proof),
    ):
        answer = visitor.ask("POST", "/auth/logout", headers=headers)
        context.works(answer, f"The log-out {what}")
        text = f"{what}: the owner's session goes on"
        context.found(text, defenses.LOG_OUT, held=owner.me().status == OK)
    context.say("The owner logs out with the same token and a proof, without the cookie.")
    owner.jar.clear()
    context.works(owner.protected("POST", "/auth/logout"), "The owner's log-out")
    context.no_token(owner.me(), "after the log-out the token is refused", defenses.DENYLIST)
