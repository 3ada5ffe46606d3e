"""Using the deployment's mail against somebody: filling a mailbox, and links to another host."""

from __future__ import annotations

from typing import Final

from app.attacks import defenses
from app.attacks.context import AttackContext
from app.attacks.obstacles import Missing
from app.attacks.read_outbox import MAIL_OFF, read_outbox
from app.mail.models import Kind

REQUESTS: Final = 8
MAX_MAILS: Final = 3
MAX_NOTES: Final = 1
ELSEWHERE: Final = "evil.example"


def mail_flooding(context: AttackContext) -> None:
    """Ask for a new password again and again, for an account and for a stranger."""
    for who, email, kind, most, by in (
        ("the owner", context.account.email, Kind.RESET, MAX_MAILS, defenses.MAIL_LIMIT),
        ("a stranger", context.stranger(), Kind.NO_ACCOUNT, MAX_NOTES, defenses.NOTE_LIMIT),
    ):
        context.say(f"A new password is asked for {REQUESTS} times in the name of {who}.")
        for _ in range(REQUESTS):
            _ask(context, email)
        with read_outbox(context) as outbox:
            count = len(outbox.written(email, kind))
        context.found(f"{who} gets {count} of {REQUESTS} messages", by, held=count <= most)


def hostile_host(context: AttackContext) -> None:
    """Ask for a link in the owner's name, with a host of the attacker's own."""
    context.say("A request names the attacker's host. A link made of that would lead there.")
    attacker = context.thief()
    body = {"email": context.account.email}
    hosts = {"Host": ELSEWHERE}
    answer = context.patiently(lambda: attacker.ask("POST", "/auth/reset", body, headers=hosts))
    context.refused(answer, 421, "misdirected", "a request for another host", defenses.HOST)
    page = attacker.ask("GET", "/reset", headers={**hosts, "X-Forwarded-Host": ELSEWHERE})
    held = ELSEWHERE.encode() not in page.body and ELSEWHERE not in page.header("Location")
    context.found("no page leads to the attacker's host", defenses.HOST, held=held)


def _ask(context: AttackContext, email: str) -> None:
    visitor = context.browser("attacker")
    answer = context.patiently(lambda: visitor.ask("POST", "/auth/reset", {"email": email}))
    if answer.code == MAIL_OFF:
        raise Missing("the deployment sends no mail (MAIL_URL is none)")
    context.works(answer, "POST /auth/reset")
