"""Attacks on log-in and registration, and on what anonymous requests make the server do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final

from app.attacks.context import TOO_MANY, AttackContext, Inconclusive, Missing
from app.attacks.wire import Answer

ADDRESS: Final = "app/infra/buckets.py:of_network"
ACCOUNT: Final = "app/infra/buckets.py:ACCOUNT"
REGISTRATIONS: Final = "app/infra/buckets.py:REGISTRATIONS"
VERIFY: Final = "app/accounts/passwords.py:Passwords.verify"
CREDENTIALS: Final = "app/errors.py:InvalidCredentials"
QUEUE: Final = "app/accounts/hash_queue.py:HashQueue.place"
LENGTH: Final = "app/accounts/password_policy.py:MAX_PASSWORD_BYTES"
TYPED: Final = "app/accounts/emails.py:MAX_TYPED"
CODE_POINTS: Final = "app/accounts/password_policy.py:MAX_CODE_POINTS"
BODY: Final = "app/server/connection.py:MAX_BODY_BYTES"
LOG: Final = "app/infra/audit.py:Audit.record"

GUESS: Final = "Summer2026! Summer2026!"
WRONG: Final = "not the right passphrase"
TRIES: Final = 3
ROUNDS: Final = 4
MAX_TIMES: Final = 1.6
ADDRESS_LIMIT: Final = 30
ACCOUNT_LIMIT: Final = 5
REGISTER_LIMIT: Final = 120
FLOOD: Final = 100  # above what eight workers hash and queue at once
# Quadratic to normalise: as many as fit into a body as escapes.
MARKS: Final = "a" + "\u0344" * 5_000 + "\u0316" * 5_000
MAX_SECONDS: Final = 0.15


def account_enumeration(context: AttackContext) -> None:
    """Find out who has an account, by what is answered and by how long that takes."""
    context.say("Wrong passwords for an account that exists, and for some that do not, in turn.")
    here, nowhere = _wrong_passwords(context)
    known, unknown = here[0], nowhere[0]
    same = (known.status, _told(known)) == (unknown.status, _told(unknown))
    context.found(f"both are answered {known.status} in the same words", CREDENTIALS, held=same)
    alike = [key for key, _ in known.headers] == [key for key, _ in unknown.headers]
    context.found("both have the same headers", CREDENTIALS, held=alike)
    times, ratio = (_fastest(here), _fastest(nowhere)), _ratio(here, nowhere)
    text = f"both take {times[0] * 1000:.0f} and {times[1] * 1000:.0f} ms, {ratio:.1f} times"
    context.found(text, VERIFY, held=ratio < MAX_TIMES)
    _ask_registration(context)


def _wrong_passwords(context: AttackContext) -> tuple[list[Answer], list[Answer]]:
    """Return the answers for the account and for strangers; more of them on a busy machine."""
    here: list[Answer] = []
    nowhere: list[Answer] = []
    for _ in range(ROUNDS):
        for _ in range(TRIES):
            here.append(_try_patiently(context, context.account.email, WRONG))
            nowhere.append(_try_patiently(context, context.stranger(), WRONG))
        context.works(context.owner().me(), "The owner's own log-in")  # it forgives the failures
        if _ratio(here, nowhere) < MAX_TIMES:
            break
    return here, nowhere


def _ratio(here: list[Answer], nowhere: list[Answer]) -> float:
    less, more = sorted((_fastest(here), _fastest(nowhere)))
    return more / less


def _fastest(answers: list[Answer]) -> float:
    """Return the least time: what a busy machine adds is only ever more."""
    return min(answer.seconds for answer in answers)


def _ask_registration(context: AttackContext) -> None:
    context.say("Registration has to say that an address is taken: how often can one ask?")
    visitor = context.browser("attacker")
    body = {"email": context.account.email, "password": "short"}
    asked = 0
    while (
        asked <= REGISTER_LIMIT and visitor.ask("POST", "/auth/register", body).status != TOO_MANY
    ):
        asked += 1
    text = f"one address may ask {asked} times in a minute"
    context.found(text, REGISTRATIONS, held=asked <= REGISTER_LIMIT)


def password_spraying(context: AttackContext) -> None:
    """Try one password on many accounts, and many on one."""
    context.say("One common password, tried on one account after the other.")
    answered = 0
    while answered <= ADDRESS_LIMIT and _try(context, context.stranger()).status != TOO_MANY:
        answered += 1
    context.found(
        f"after {answered} accounts the address waits", ADDRESS, held=answered <= ADDRESS_LIMIT
    )
    context.say("Many passwords on one account, from elsewhere; at last one more.")
    context.source = context.target.another_address()
    if not context.source:
        context.say("There is only one address to come from here, and it waits: no more to see.")
        return
    email, guessed = context.stranger(), 0
    while guessed <= ACCOUNT_LIMIT and _try(context, email).status != TOO_MANY:
        guessed += 1
    context.found(
        f"after {guessed} guesses the account waits", ACCOUNT, held=guessed <= ACCOUNT_LIMIT
    )


def hashing_floods(context: AttackContext) -> None:
    """Make the server hash: long passwords, and many at once."""
    context.say("Passwords that would be costly to hash.")
    for password, status, by in (("\u00e9" * 600, 400, LENGTH), ("x" * 200_000, 413, BODY)):
        answer = _try_patiently(context, context.stranger(), password)
        size = len(password.encode())
        context.found(f"{size} bytes: {answer.status}", by, held=answer.status == status)
    context.say(f"{FLOOD} log-ins at the same moment.")
    with ThreadPoolExecutor(FLOOD) as pool:
        answers = list(
            pool.map(lambda _: _try(context, context.stranger(), afar=True), range(FLOOD))
        )
    told = {status: sum(a.status == status for a in answers) for status in (401, TOO_MANY, 503)}
    text = ", ".join(f"{count} answered {status}" for status, count in told.items())
    # From one address, the limit of that address may leave the queue nothing to refuse.
    by = ADDRESS if told[TOO_MANY] and not told[503] else QUEUE
    context.found(text, by, held=sum(told.values()) == FLOOD and told[401] < FLOOD)
    context.works(context.browser("visitor").ask("GET", "/healthz"), "The server after it")


def costly_texts(context: AttackContext) -> None:
    """Send texts that are short enough to be read and take long to bring into one form."""
    context.say(f"{len(MARKS):,} combining marks in the wrong order, as address and as password.")
    for name, by, fields in (
        ("an address", TYPED, (MARKS, WRONG)),
        ("a password", CODE_POINTS, (context.stranger(), MARKS)),
    ):
        seconds = _fastest([_try_patiently(context, *fields) for _ in range(TRIES)])
        text = f"as {name} they take {seconds * 1000:.0f} ms"
        context.found(text, by, held=seconds < MAX_SECONDS)


def log_leaks(context: AttackContext) -> None:
    """Read credentials out of the log, where operators, collectors and thieves of backups read."""
    log = context.target.log
    if log is None:
        raise Missing("the log is not at hand: name it with --log FILE")
    begins = log.stat().st_size
    context.say("A session from log-in to log-out, with mistakes that put credentials elsewhere.")
    _try(context, context.account.email, f"{context.account.password}x")
    owner = context.owner()
    context.works(owner.refresh(), "The owner's refresh")
    owner.ask("GET", f"/api/me?access_token={owner.access}")
    owner.ask("GET", f"/{owner.refresh_token}")
    owner.ask("GET", "/api/me", headers={"Authorization": f"Bearer {owner.access}x"})
    owner.protected("POST", "/auth/logout")
    with log.open("rb") as file:
        file.seek(begins)
        text = file.read().decode("utf-8", "replace")
    if '"event"' not in text:
        raise Inconclusive(f"nothing of this was written to {log.name}: it is not the log")
    secrets = {*context.record.secrets, context.account.password}
    leaked = sum(secret in text for secret in secrets)
    context.found(f"{leaked} of {len(secrets)} credentials are in the log", LOG, held=leaked == 0)


def _try(
    context: AttackContext, email: str, password: str = GUESS, *, afar: bool = False
) -> Answer:
    """Try a password; from an address of its own when `afar`."""
    attacker = context.browser("attacker")
    if afar:
        attacker.source = context.target.another_address()
    return attacker.ask("POST", "/auth/login", {"email": email, "password": password})


def _try_patiently(context: AttackContext, email: str, password: str) -> Answer:
    """Try a password where a limit would hide what is to be seen."""
    return context.patiently(lambda: _try(context, email, password))


def _told(answer: Answer) -> dict[str, object]:
    return {name: value for name, value in answer.json.items() if name != "request_id"}
