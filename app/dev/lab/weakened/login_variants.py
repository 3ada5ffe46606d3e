"""Weakened variants of log-in, registration and the log."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, ParamSpec, TypeVar

from flask import request
from limits import RateLimitItem

from app.accounts.hash_queue import HashQueue, Place
from app.accounts.models import User
from app.accounts.password_login import PasswordLogin
from app.accounts.passwords import Passwords
from app.dev.lab.weakened.variant import instead_of
from app.errors import InvalidCredentials
from app.infra.audit import Audit, Client, logger
from app.infra.buckets import Bucket
from app.infra.throttle import Throttle
from app.web.bodies import read_object as real_read_object

P = ParamSpec("P")
T = TypeVar("T")

real_right: Final = PasswordLogin.verify
real_verify: Final = Passwords.verify
real_record: Final = Audit.record


@instead_of("app/accounts/passwords.py:Passwords.verify", "account-enumeration")
def strangers_are_answered_sooner(
    self: Passwords, password_hash: str | None, password: str
) -> bool:
    """Where there is no account there is no password to verify."""
    if password_hash is None:
        return False
    return real_verify(self, password_hash, password)


@instead_of("app/accounts/password_login.py:PasswordLogin.verify", "account-enumeration")
def typing_errors_are_pointed_out(
    self: PasswordLogin, key: str, user: User | None, password: str, place: Place
) -> bool:
    """Whoever mistypes an address is told that it has no account."""
    right = real_right(self, key, user, password, place)
    if user is None:
        raise InvalidCredentials("There is no account for this e-mail address.")
    return right


@instead_of("app/infra/throttle.py:Throttle.register", "account-enumeration")
def anybody_may_register_at_any_rate(self: Throttle, ip: str) -> None:
    """Only log-ins are counted: registering guesses no password."""


@instead_of("app/infra/throttle.py:Throttle._count", "password-spraying")
def guessing_is_not_counted(self: Throttle, buckets: tuple[Bucket, ...]) -> None:
    """The password hash is slow, and that is thought to be enough."""


@instead_of("app/infra/buckets.py:of_network", "password-spraying")
def only_accounts_are_counted(ip: str) -> tuple[Bucket, ...]:
    """Each account has its limit, and each guess may be at another account."""
    return ()


@instead_of("app/infra/buckets.py:ACCOUNT", "password-spraying")
def only_addresses_are_counted() -> tuple[RateLimitItem, ...]:
    """Each address has its limit, and an attacker has many addresses."""
    return ()


@instead_of("app/accounts/hash_queue.py:HashQueue.place", "hashing-floods")
@contextmanager
def everybody_hashes_at_once(
    self: HashQueue, client: Client, *, known: bool = False
) -> Iterator[Place]:
    """Every log-in hashes as soon as it arrives."""
    yield AtOnce(self, known, client)


class AtOnce(Place):
    """A place without a turn: its hashes run in the request's own thread."""

    def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `job` returns."""
        return job(*args, **kwargs)


@instead_of("app/accounts/emails.py:MAX_TYPED", "costly-texts")
def an_address_may_have_any_length() -> int:
    """The text is brought into one form first; how long it is shows afterwards."""
    return 2**40


@instead_of("app/accounts/password_policy.py:MAX_CODE_POINTS", "costly-texts")
def a_password_is_normalised_first() -> int:
    """A password is normalised, and then it is measured."""
    return 2**40


@instead_of("app/accounts/password_policy.py:MAX_PASSWORD_BYTES", "hashing-floods")
def a_password_may_have_any_length() -> int:
    """There is a shortest password and no longest one."""
    return 2**40


@instead_of("app/infra/audit.py:Audit.record", "log-leaks")
def requests_are_logged_whole(
    self: Audit, event: str, client: Client | None = None, **fields: str | int
) -> None:
    """The log keeps the request with its headers: it may help to find a fault."""
    real_record(self, event, client, headers=str(request.headers), **fields)


@instead_of("app/web/bodies.py:read_object", "log-leaks")
def bodies_are_logged() -> dict[str, Any]:
    """The log keeps what was sent, as it is so useful while developing."""
    body = real_read_object()
    logger.info(json.dumps(body))
    return body
