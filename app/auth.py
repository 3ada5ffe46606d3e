"""READ THIS FIRST: everything a person can do with a session, one use case a method.

Each is one decision in the database, then its echo in Redis, then the audit line. A method
returns only when what it promises holds in every worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from app.accounts import models as accounts
from app.accounts.addresses import account_key, canonical
from app.accounts.devices import Devices
from app.accounts.models import User
from app.accounts.passwords import Passwords
from app.audit import Audit, Client
from app.clock import Clock
from app.database import Database
from app.errors import (
    Busy,
    EmailTaken,
    InvalidCredentials,
    InvalidRequest,
    InvalidToken,
    NotFound,
    SessionEnded,
    WrongPassword,
)
from app.families import rotation
from app.families.denylist import Denylist
from app.families.models import LONGEST_USER_AGENT, Ended, Family
from app.grants import Grant, Mint, new_id
from app.throttle import Throttle
from app.tokens.claims import RefreshTokenClaims
from app.tokens.compact import TokenRefused


@dataclass(frozen=True)
class Auth:
    """The use cases, with the parts they need."""

    database: Database
    denylist: Denylist
    mint: Mint
    passwords: Passwords
    devices: Devices
    throttle: Throttle
    audit: Audit
    clock: Clock

    def register(self, email: str, password: str, client: Client) -> User:
        """Open an account.

        Raises:
            InvalidRequest, WeakPassword, EmailTaken, TooManyAttempts, Busy.

        """
        try:
            address = canonical(email)
        except ValueError as error:
            raise InvalidRequest(str(error), reason="email") from None
        # First: judging a hostile password can take a second.
        self.throttle.register(client.ip)
        self.passwords.check_new(password, address)
        hashed, now = self.passwords.hash(password), self.clock.now()
        user = User(new_id(), address, hashed, now, now, None, None)
        try:
            with self.database.transaction() as connection:
                accounts.insert(connection, user)
        except IntegrityError:
            raise EmailTaken from None
        self.audit.record("registered", client, user_id=user.id)
        return user

    def register_and_log_in(
        self, email: str, password: str, client: Client, cookie: str | None
    ) -> Grant:
        """Open an account and its first session.

        Raises:
            As `register`.

        """
        return self._open(self.register(email, password, client), client, cookie, remembered=False)

    def log_in(
        self, email: str, password: str, client: Client, cookie: str | None, *, remember: bool
    ) -> Grant:
        """Exchange a password for a new family; the browser's former one ends.

        Unknown address, wrong password and disabled account are one answer after one hash.

        Raises:
            InvalidCredentials, TooManyAttempts, Busy.

        """
        key = account_key(email)
        with self.database.autocommit() as connection:
            user = accounts.find_by_email(connection, key)
        usable = user if user and user.disabled_at is None else None
        if not self._verified(key, usable, password, client) or usable is None:
            self.audit.record("log_in_refused", client, user_id=user.id if user else "")
            raise InvalidCredentials
        if self.passwords.outdated(usable.password_hash):
            usable = self._rehash(usable, password)
        return self._open(usable, client, cookie, remembered=remember)

    def refresh(self, cookie: str | None, client: Client) -> Grant:
        """Rotate: exchange the current refresh token for its successor.

        A spent token revokes its family, and that is committed and denied before the refusal
        leaves. An unknown, expired or forged token revokes nothing.

        Raises:
            SessionEnded: always the same answer; its `reason` is for the audit record.
            TooManyAttempts.

        """
        now = self.clock.now()
        claims = self._read_refresh(cookie, client, now)
        self.throttle.refresh(claims.family_id)
        life = self.mint.life
        agent = client.user_agent[:LONGEST_USER_AGENT]
        step = rotation.Step(new_id(), now, life.idle, life.remember_idle, client.ip, agent)
        with self.database.autocommit() as connection:
            rotated = rotation.rotate(connection, claims, step)
            if rotated is not None:
                return self.mint.grant(*rotated)
            reason = rotation.why_not(connection, claims, now)
            if reason == rotation.REUSE:
                which = rotation.of_family(claims.family_id)
                self.denylist.deny(rotation.revoke(connection, which, reason, now))
        self.audit.record(
            "refresh_refused", client, user_id=claims.sub, sid=claims.family_id, reason=reason
        )
        raise SessionEnded(reason=reason)

    def log_out(self, cookie: str | None, access_token: str | None, client: Client) -> None:
        """Revoke the families that either credential names, also when it is out of date."""
        for sid in {s for s in (self._sid_of_cookie(cookie), self._sid_of(access_token)) if s}:
            with self.database.autocommit() as connection:
                ended = rotation.revoke(
                    connection, rotation.of_family(sid), rotation.LOGGED_OUT, self.clock.now()
                )
            self._ended("logged_out", ended, client)

    def log_out_everywhere(self, user_id: str, client: Client) -> None:
        """Revoke every family of a user."""
        with self.database.autocommit() as connection:
            ended = rotation.revoke(
                connection, rotation.of_user(user_id), rotation.LOGGED_OUT, self.clock.now()
            )
        self._ended("logged_out_everywhere", ended, client)

    def end_session(self, user_id: str, family_id: str, client: Client) -> None:
        """Revoke one family of a user.

        Raises:
            NotFound: when it is over, does not exist or is somebody else's.

        """
        which = rotation.of_user(user_id) & rotation.of_family(family_id)
        with self.database.autocommit() as connection:
            ended = rotation.revoke(connection, which, rotation.LOGGED_OUT, self.clock.now())
        self._ended("session_ended", ended, client)
        if not ended:
            raise NotFound

    def change_password(self, sid: str, current: str, new: str, client: Client) -> Grant:
        """Set a new password, end every family of the user and begin a new one here.

        One transaction: there is no moment at which the password is new and an old family
        lives, or the reverse.

        Raises:
            WrongPassword, WeakPassword, TooManyAttempts, Busy.
            InvalidToken: when the session ended meanwhile.

        """
        user, family = self.account(sid)
        if not self._verified(user.email, user, current, client):
            self.audit.record("password_change_refused", client, user_id=user.id, sid=sid)
            raise WrongPassword
        self.passwords.check_new(new, user.email)
        hashed, now = self.passwords.hash(new), self.clock.now()
        begun = self.mint.new_family(user, client, now, remembered=family.remembered)
        with self.database.transaction() as connection:
            if not accounts.still_enabled(
                connection, user, password_hash=hashed, password_changed_at=now
            ):
                raise InvalidToken(reason="account_changed")
            all_of_them = rotation.of_user(user.id)
            ended = rotation.revoke(connection, all_of_them, rotation.PASSWORD_CHANGED, now)
            if sid not in {family.family_id for family in ended}:
                raise InvalidToken(reason="session_ended_meanwhile")
            rotation.insert(connection, begun)
        self._ended("password_changed", ended, client, user_id=user.id)
        return self.mint.grant(begun, user.email)

    def account(self, sid: str) -> tuple[User, Family]:
        """Return the account and the family behind a verified access token.

        Raises:
            InvalidToken: when either is gone.

        """
        with self.database.autocommit() as connection:
            family = rotation.find(connection, sid)
            user = accounts.find(connection, family.user_id) if family else None
        if user is None or family is None or user.disabled_at is not None:
            raise InvalidToken(reason="account_gone")
        return user, family

    def sessions(self, user_id: str) -> list[Family]:
        """Return the user's live families, the latest used first."""
        with self.database.autocommit() as connection:
            return rotation.live_of(connection, user_id, self.clock.now())

    def _verified(self, key: str, user: User | None, password: str, client: Client) -> bool:
        known = self.devices.read(client.device, key)
        buckets = self.throttle.log_in(key, client.ip, known)
        try:
            right = self.passwords.verify(user.password_hash if user else None, password)
        except (Busy, InvalidRequest):
            self.throttle.give_back(buckets)
            raise
        if right:
            self.throttle.forgive(buckets)
        return right

    def _rehash(self, user: User, password: str) -> User:
        hashed = self.passwords.hash(password)
        with self.database.transaction() as connection:
            if accounts.still_enabled(connection, user, password_hash=hashed):
                return replace(user, password_hash=hashed)
            fresh = accounts.find(connection, user.id)
        # Another log-in was first, which is fine, or the password was changed, which is not.
        return fresh if fresh and self.passwords.verify(fresh.password_hash, password) else user

    def _open(self, user: User, client: Client, cookie: str | None, *, remembered: bool) -> Grant:
        now, held = self.clock.now(), self._sid_of_cookie(cookie)
        family = self.mint.new_family(user, client, now, remembered=remembered)
        with self.database.transaction() as connection:
            if not accounts.still_enabled(connection, user):
                raise InvalidCredentials(reason="account_changed")
            rotation.insert(connection, family)
            ended = self._replaced(connection, family, held, now)
        self._ended("session_replaced", ended, client)
        self.audit.record("logged_in", client, user_id=user.id, sid=family.family_id)
        return self.mint.grant(family, user.email)

    def _replaced(
        self, connection: Connection, family: Family, held: str | None, now: int
    ) -> list[Ended]:
        which = rotation.beyond_limit(family.user_id, family.family_id, now)
        if held:
            which |= rotation.of_family(held)
        return rotation.revoke(connection, which, rotation.REPLACED, now)

    def _ended(self, event: str, ended: Sequence[Ended], client: Client, **fields: str) -> None:
        self.denylist.deny(ended)
        for family in ended:
            self.audit.record(event, client, sid=family.family_id, **fields)

    def _read_refresh(self, cookie: str | None, client: Client, now: int) -> RefreshTokenClaims:
        try:
            return self.mint.refresh.read(cookie or "", now)
        except TokenRefused as refused:
            reason = refused.reason if cookie else "missing"
            self.audit.record("refresh_refused", client, reason=reason)
            raise SessionEnded(reason=reason) from None

    def _sid_of_cookie(self, cookie: str | None) -> str | None:
        try:
            return self.mint.refresh.read_expired(cookie or "").family_id
        except TokenRefused:
            return None

    def _sid_of(self, access_token: str | None) -> str | None:
        try:
            return self.mint.access.read_expired(access_token or "").sid
        except TokenRefused:
            return None
