"""Finding out which e-mail addresses have an account."""

from __future__ import annotations

from typing import Final

from app.attacks import defenses
from app.attacks.answer import Answer
from app.attacks.context import AttackContext
from app.attacks.password_tries import TRIES, WRONG, fastest, try_patiently

ROUNDS: Final = 4
MAX_RATIO: Final = 1.6
MAIL_OFF: Final = "mail_off"


def account_enumeration(context: AttackContext) -> None:
    """Compare the answers to wrong passwords for an account and for strangers."""
    context.say("Wrong passwords for an account that exists, and for some that do not, in turn.")
    known, unknown = _wrong_passwords(context)
    _compare(context, known[0], unknown[0], defenses.INVALID_CREDENTIALS)
    times = fastest(known) * 1000, fastest(unknown) * 1000
    ratio = _ratio(known, unknown)
    text = f"both take {times[0]:.0f} and {times[1]:.0f} ms, {ratio:.1f} times"
    context.found(text, defenses.PASSWORD_HASH, held=ratio < MAX_RATIO)
    _ask_for_mail(context)


def _wrong_passwords(context: AttackContext) -> tuple[list[Answer], list[Answer]]:
    """Return the answers for the account and for strangers; more of them on a busy machine."""
    known: list[Answer] = []
    unknown: list[Answer] = []
    for _ in range(ROUNDS):
        for _ in range(TRIES):
            known.append(try_patiently(context, context.account.email, WRONG))
            unknown.append(try_patiently(context, context.stranger(), WRONG))
        # A right password resets the account's count of failures.
        context.works(context.owner().me(), "The owner's log-in")
        if _ratio(known, unknown) < MAX_RATIO:
            break
    return known, unknown


def _compare(context: AttackContext, known: Answer, unknown: Answer, by: str) -> None:
    same = (known.status, _content(known)) == (unknown.status, _content(unknown))
    context.found(f"both are answered {known.status} in the same words", by, held=same)
    alike = [name for name, _ in known.headers] == [name for name, _ in unknown.headers]
    context.found("both have the same headers", by, held=alike)


def _content(answer: Answer) -> dict[str, object]:
    return {name: value for name, value in answer.json.items() if name != "request_id"}


def _ratio(known: list[Answer], unknown: list[Answer]) -> float:
    less, more = sorted((fastest(known), fastest(unknown)))
    return more / less


def _ask_for_mail(context: AttackContext) -> None:
    """Ask for an account and for a new password, with the address of an account and without."""
    for name, path in (("Registration", "/auth/register"), ("Reset", "/auth/reset")):
        context.say(f"{name} is asked for, for the account and for a stranger.")
        emails = (context.account.email, context.stranger())
        known, unknown = (_ask(context, path, email) for email in emails)
        if unknown.code == MAIL_OFF:
            context.say("This deployment sends no mail, so there is nothing to ask for.")
            continue
        context.works(unknown, name)
        _compare(context, known, unknown, defenses.ASKED_MAIL)


def _ask(context: AttackContext, path: str, email: str) -> Answer:
    visitor = context.browser("attacker")
    return context.patiently(lambda: visitor.ask("POST", path, {"email": email}))
