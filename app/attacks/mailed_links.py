"""What can be tried with a mailed link: open it before its owner, late, again, or altered."""

from __future__ import annotations

from typing import Final

from app.attacks import defenses
from app.attacks.answer import Answer
from app.attacks.context import AttackContext
from app.attacks.password_change import change_password, new_password
from app.attacks.read_outbox import ReadOutbox, read_outbox
from app.mail.models import Kind

ASK: Final = "/auth/reset"
FINISH: Final = "/auth/reset/finish"
PAGE: Final = "/reset/finish"
NO_CONTENT: Final = 204


def scanned_links(context: AttackContext) -> None:
    """Follow a link for a new password as a mail scanner does, before its owner."""
    with read_outbox(context) as outbox, new_password(context) as new:
        token = _reset_link(context, outbox)
        context.say("A mail scanner follows the link, and then where its page leads.")
        scanner = context.thief()
        scanner.who = "scanner"
        context.works(scanner.ask("HEAD", f"{PAGE}?token={token}"), "HEAD of the link")
        answer = scanner.ask("GET", f"{PAGE}?token={token}")
        context.works(answer, "GET of the link")
        held = token.encode() not in answer.body
        text = "the page leads to an address without the token"
        context.found(text, defenses.OPENED_LINK, held=held)
        context.works(scanner.ask("GET", PAGE), "GET of the form")
        context.say("The owner's password is still the same, and their link still works.")
        context.owner()
        _finish(context, token, new, defenses.CHECK_RESET)


def stale_links(context: AttackContext) -> None:
    """Use links that are altered, of another kind, from before a change, or used already."""
    with read_outbox(context) as outbox, new_password(context) as new:
        token = _reset_link(context, outbox)
        context.say("Whoever has seen such a link makes up another one.")
        kid, mail_id, made_at, mac = token.split(".")
        for text, altered in (
            ("a link with another time", f"{kid}.{mail_id}.{int(made_at) + 1}.{mac}"),
            ("a link for another message", f"{kid}.{'A' * len(mail_id)}.{made_at}.{mac}"),
            ("a link with another signature", f"{kid}.{mail_id}.{made_at}.{'A' * len(mac)}"),
        ):
            _refused(context, _set_password(context, altered, new), text, defenses.LINK)
        answer = context.thief().ask("POST", "/auth/secure", {"token": token})
        _refused(context, answer, "a reset link used as “This wasn't me”", defenses.LINK)
        context.say("The owner changes the password. The link is from before that.")
        change_password(context, context.owner(), new)
        answer = _set_password(context, token, f"{new} again")
        if not _refused(context, answer, "a link from before the change", defenses.LINK):
            context.account.password = f"{new} again"
        context.say("A new link works, and works once.")
        token = _reset_link(context, outbox)
        _finish(context, token, f"{new} twice", defenses.LINK)
        answer = _set_password(context, token, new)
        _refused(context, answer, "the same link again", defenses.LINK)


def _reset_link(context: AttackContext, outbox: ReadOutbox) -> str:
    context.say("The owner has forgotten the password, and asks for a link.")
    return outbox.link(ASK, context.account.email, Kind.RESET)


def _set_password(context: AttackContext, token: str, password: str) -> Answer:
    return context.thief().ask("POST", FINISH, {"token": token, "password": password})


def _refused(context: AttackContext, answer: Answer, text: str, by: str) -> bool:
    return context.refused(answer, 400, "invalid_link", text, by)


def _finish(context: AttackContext, token: str, new: str, by: str) -> None:
    """Set the owner's password with the link; record whether that worked."""
    answer = context.browser().ask("POST", FINISH, {"token": token, "password": new})
    held = answer.status == NO_CONTENT
    if held:
        context.account.password = new
    context.found("the owner's link sets a password", by, held=held)
