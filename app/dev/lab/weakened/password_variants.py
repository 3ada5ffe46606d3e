"""Weakened variants of password checks, the limits of attempts, and the audit record."""

from __future__ import annotations

import json
from typing import Any, Final

from flask import request
from limits import RateLimitItem

from app.accounts.hash_queue import Place
from app.accounts.models import User
from app.accounts.password_login import PasswordLogin
from app.accounts.passwords import Passwords
from app.auth.asked_mail import answer
from app.auth.dependencies import Auth
from app.dev.lab.weakened.variant import instead_of
from app.errors import EmailTaken, InvalidCredentials
from app.infra.audit import Audit, Client, logger
from app.infra.buckets import Bucket
from app.infra.throttle import Throttle
from app.mail.models import Kind
from app.web.bodies import read_object as real_read_object

real_answer: Final = answer
real_password_login: Final = PasswordLogin.verify
real_verify: Final = Passwords.verify
real_record: Final = Audit.record


@instead_of("app/accounts/passwords.py:Passwords.verify", "account-enumeration")
def strangers_are_answered_sooner(
    self: Passwords, password_hash: str | None, password: str
) -> bool:
    """Without an account no password is hashed, so the answer comes sooner."""
    if password_hash is None:
        return False
    return real_verify(self, password_hash, password)


@instead_of("app/accounts/password_login.py:PasswordLogin.verify", "account-enumeration")
def typing_errors_are_pointed_out(
    self: PasswordLogin, key: str, user: User | None, password: str, place: Place
) -> bool:
    """The answer says that an address has no account."""
    right = real_password_login(self, key, user, password, place)
    if user is None:
        raise InvalidCredentials("There is no account for this e-mail address.")
    return right


@instead_of("app/auth/asked_mail.py:answer", "account-enumeration")
def registration_says_that_an_address_is_taken(  # noqa: PLR0913 - what `answer` takes
    auth: Auth, kind: Kind, address: str, client: Client, user: User | None, *, is_due: bool
) -> None:
    """Whoever registers an address that has an account learns it at once, without a mail."""
    if kind == Kind.ALREADY_REGISTERED:
        raise EmailTaken
    real_answer(auth, kind, address, client, user, is_due=is_due)


@instead_of("app/infra/throttle.py:Throttle._count", "password-spraying")
def guessing_is_not_counted(self: Throttle, buckets: tuple[Bucket, ...]) -> None:
    """Attempts are not counted, because the password hash is slow."""


@instead_of("app/infra/buckets.py:of_network", "password-spraying")
def only_accounts_are_counted(ip: str) -> tuple[Bucket, ...]:
    """Each account has a limit, but no address has one."""
    return ()


@instead_of("app/infra/buckets.py:ACCOUNT", "password-spraying")
def only_addresses_are_counted() -> tuple[RateLimitItem, ...]:
    """Each address has a limit, but no account has one."""
    return ()


@instead_of("app/infra/audit.py:Audit.record", "log-leaks")
def requests_are_logged_whole(
    self: Audit, event: str, client: Client | None = None, **fields: str | int
) -> None:
    """The log contains the headers of requests, to find errors."""
    real_record(self, event, client, headers=str(request.headers), **fields)


@instead_of("app/web/bodies.py:read_object", "log-leaks")
def bodies_are_logged() -> dict[str, Any]:
    """The log contains the bodies of requests, to find errors."""
    body = real_read_object()
    logger.info(json.dumps(body))
    return body
