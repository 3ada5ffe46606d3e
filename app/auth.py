"""READ THIS FIRST: everything a person can do with a session, one use case a method.

Each is one decision in the database, then its echo in Redis, then the audit line. A method
returns only when what it promises holds in every worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection
from sqlalchemy.exc import IntegrityError

from app.accounts import models as accounts
from app.accounts.addresses import account_key, canonical
from app.accounts.models import User
from app.attempts import Attempts
from app.audit import Audit, Client
from app.clock import Clock
from app.database import Database
from app.errors import (
    EmailTaken,
    InvalidCredentials,
    InvalidProof,
    InvalidRequest,
    InvalidToken,
    NotFound,
    SessionEnded,
    UseNonce,
    WrongPassword,
)
from app.families import rotation
from app.families.denylist import Denylist
from app.families.models import Ended, Family
from app.families.once import Once
from app.grants import Grant, Held, Mint, new_id
from app.overview import Overview
from app.pruning import Pruning
from app.throttle import Throttle
from app.tokens.claims import RefreshTokenClaims
from app.tokens.compact import TokenRefused
from app.tokens.proofs import ProofRefused


@dataclass(frozen=True)
class Auth:
    """The use cases, with the parts they need."""

    database: Database
    denylist: Denylist
    mint: Mint
    overview: Overview
    attempts: Attempts
    throttle: Throttle
    once: Once
    audit: Audit
    clock: Clock
    pruning: Pruning

    def register(self, email: str, password: str, client: Client) -> User:
        """Open an account.

        Raises:
            InvalidRequest, WeakPassword, EmailTaken, TooManyAttempts, Busy.

        """
        try:
            address = canonical(email)
        except ValueError as error:
            raise InvalidRequest(str(error), reason="email") from None
        with self.attempts.queue.place(client) as place:
            self.throttle.register(client.ip)
            self.attempts.passwords.check_new(password, address)
            hashed = place.run(self.attempts.passwords.hash, password)
        now = self.clock.now()
        user = User(new_id(), address, hashed, now, now, None, None)
        try:
            self.database.write(accounts.insert, user)
        except IntegrityError:
            raise EmailTaken from None
        self.audit.record("registered", client, user_id=user.id)
        return user

    def register_and_log_in(self, email: str, password: str, client: Client, held: Held) -> Grant:
        """Open an account and its first session.

        Raises:
            As `register`.

        """
        user = self.register(email, password, client)
        return self._open(user, client, held, remembered=False)

    def log_in(
        self, email: str, password: str, client: Client, held: Held, *, remember: bool
    ) -> Grant:
        """Exchange a password for a new family; the browser's former one ends.

        With the thumbprint of a verified proof the family is bound to that key from the start.
        Unknown address, wrong password and disabled account are one answer after one hash.

        Raises:
            InvalidCredentials, TooManyAttempts, Busy, InvalidProof.

        """
        with self.attempts.place(client) as place:
            key = account_key(email)
            user = self.database.read(accounts.find_by_email, key)
            usable = user if user and user.disabled_at is None else None
            if not self.attempts.right(key, usable, password, place) or usable is None:
                self.audit.record("log_in_refused", client, user_id=user.id if user else "")
                raise InvalidCredentials
            self._use_up(held)
            usable = self.attempts.rehashed(usable, password, place)
        return self._open(usable, client, held, remembered=remember)

    def refresh(self, held: Held, client: Client) -> Grant:
        """Rotate: exchange the current refresh token for its successor.

        With a proof by the family's own key, the immediate predecessor, or a token overtaken
        moments ago, is a retry: it gets the current successor. Every other spent token is reuse,
        and on a bound family any token without proof, or with another key's, is theft: the
        family is revoked, and that is committed and denied before the refusal leaves. An
        unknown, expired or forged token revokes nothing.

        Raises:
            SessionEnded: always the same answer; its `reason` is for the audit record.
            TooManyAttempts.
            InvalidProof: when the proof was used before; no session ends by that.

        """
        now = self.clock.now()
        claims = self._read_refresh(held.cookie, client, now)
        self.throttle.refresh(claims.family_id)
        self._use_up(held)
        life = self.mint.life
        idle = (life.idle, life.remember_idle)
        step = rotation.Step(new_id(), now, *idle, client.ip, client.user_agent, held.jkt)
        if rotated := self.database.write(rotation.rotate, claims, step):
            return self.mint.grant(*rotated)
        if held.proof and (retried := self.database.write(rotation.retry, claims, step)):
            self.audit.record("refresh_retried", client, sid=claims.family_id)
            return self.mint.grant(*retried)
        reason, ended = self.database.read(rotation.why_not, claims, now, held.jkt), []
        if reason in rotation.THEFTS:
            which = rotation.of_family(claims.family_id)
            ended = self.database.write(rotation.revoke, which, reason, now, client.ip)
            self.denylist.deny(ended)
        who = {"user_id": claims.sub, "sid": claims.family_id}
        if ended:
            self.audit.record("refresh_refused", client, reason=reason, **who)
        else:
            # A dead token may be shown again and again; only what ends a family is written always.
            self.audit.refused("refresh_refused", client, reason, **who)
        raise SessionEnded(reason=reason)

    def log_out(self, cookie: str | None, sid: str | None, client: Client) -> None:
        """Revoke the family that the cookie names, and the family `sid`. None revokes nothing.

        The cookie may be out of date: who holds it can end its family anyhow, by using it. `sid`
        is the id of a family whose access token the caller has verified for this very request.
        """
        for family_id in {self.mint.family_of_cookie(cookie), sid} - {None}:
            ended = self._log_out(rotation.of_family(family_id or ""))
            self._ended("logged_out", ended, client)

    def log_out_everywhere(self, user_id: str, client: Client) -> None:
        """Revoke every family of a user."""
        ended = self._log_out(rotation.of_user(user_id))
        self._ended("logged_out_everywhere", ended, client)

    def end_session(self, user_id: str, family_id: str, client: Client) -> None:
        """Revoke one family of a user.

        Raises:
            NotFound: when it is over, does not exist or is somebody else's.

        """
        which = rotation.of_user(user_id) & rotation.of_family(family_id)
        ended = self._log_out(which)
        self._ended("session_ended", ended, client)
        if not ended:
            raise NotFound

    def change_password(
        self, sid: str, current: str, new: str, client: Client, jkt: str | None = None
    ) -> Grant:
        """Set a new password, end every family of the user and begin a new one here.

        One transaction: there is no moment at which the password is new and an old family
        lives, or the reverse. The new family is bound to the key with the thumbprint `jkt`;
        without one it stays bound to the caller's present key, or unbound. The key has not
        signed anything yet: who names another's key only binds the new family to it.

        Raises:
            WrongPassword, WeakPassword, TooManyAttempts, Busy.
            InvalidToken: when the session ended meanwhile.

        """
        user, family = self.overview.account(sid)
        # Who has a live session is no stranger.
        with self.attempts.queue.place(client, known=True) as place:
            if not self.attempts.right(user.email, user, current, place, in_session=True):
                self.audit.record("password_change_refused", client, user_id=user.id, sid=sid)
                raise WrongPassword
            self.attempts.passwords.check_new(new, user.email)
            hashed = place.run(self.attempts.passwords.hash, new)
        now = self.clock.now()
        # Later than the former in any case: marks of known browsers are told apart by it.
        changed_at = max(now, user.password_changed_at + 1)
        begun = self.mint.new_family(
            user, client, now, remembered=family.remembered, jkt=jkt or family.jkt
        )

        def change(connection: Connection) -> list[Ended]:
            if not accounts.still_enabled(
                connection, user, password_hash=hashed, password_changed_at=changed_at
            ):
                raise InvalidToken(reason="account_changed")
            all_of_them = rotation.of_user(user.id)
            ended = rotation.revoke(connection, all_of_them, rotation.PASSWORD_CHANGED, now)
            if sid not in {family.family_id for family in ended}:
                raise InvalidToken(reason="session_ended_meanwhile")
            rotation.insert(connection, begun)
            return ended

        ended = self.database.transact(change)
        self._ended("password_changed", ended, client, user_id=user.id)
        user = replace(user, password_changed_at=changed_at)
        return self._marked(self.mint.grant(begun, user.email), user, client)

    def _open(self, user: User, client: Client, held: Held, *, remembered: bool) -> Grant:
        now, former = self.clock.now(), self.mint.family_of_cookie(held.cookie)
        family = self.mint.new_family(user, client, now, remembered=remembered, jkt=held.jkt)

        def begin(connection: Connection) -> list[Ended]:
            if not accounts.still_enabled(connection, user):
                raise InvalidCredentials(reason="account_changed")
            rotation.insert(connection, family)
            return self._replaced(connection, family, former, now)

        self.pruning.prune_own(user.id)
        ended = self.database.transact(begin)
        self._ended("session_replaced", ended, client)
        self.audit.record("logged_in", client, user_id=user.id, sid=family.family_id)
        return self._marked(self.mint.grant(family, user.email), user, client)

    def _marked(self, grant: Grant, user: User, client: Client) -> Grant:
        mark = self.attempts.devices.renew(client.device, user, self.clock.now())
        return replace(grant, browser_mark=mark)

    def _replaced(
        self, connection: Connection, family: Family, former: str | None, now: int
    ) -> list[Ended]:
        # The browser's own first: it makes room, and no other session has to.
        own = rotation.of_family(former or "")
        ended = rotation.revoke(connection, own, rotation.REPLACED, now)
        beyond = rotation.beyond_limit(family.user_id, family.family_id, now)
        return ended + rotation.revoke(connection, beyond, rotation.REPLACED, now)

    def _log_out(self, which: ColumnElement[bool]) -> list[Ended]:
        return self.database.write(rotation.revoke, which, rotation.LOGGED_OUT, self.clock.now())

    def _ended(self, event: str, ended: Sequence[Ended], client: Client, **fields: str) -> None:
        self.denylist.deny(ended)
        for family in ended:
            self.audit.record(event, client, sid=family.family_id, **fields)

    def _use_up(self, held: Held) -> None:
        # Only now that a credential was right: who has none can fill no memory with proofs.
        try:
            if held.proof:
                self.once.use(held.proof)
        except ProofRefused as refused:
            kind = UseNonce if refused.reason == "nonce" else InvalidProof
            raise kind(reason=refused.reason, status=400) from None

    def _read_refresh(self, cookie: str | None, client: Client, now: int) -> RefreshTokenClaims:
        try:
            return self.mint.refresh.read(cookie or "", now)
        except TokenRefused as refused:
            reason = refused.reason if cookie else "missing"
            self.audit.refused("refresh_refused", client, reason)
            raise SessionEnded(reason=reason) from None
