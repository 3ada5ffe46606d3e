"""The objects that every story of this package shares; `app.services` builds them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Concatenate, Final, ParamSpec

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from app.accounts import activity
from app.accounts.password_login import PasswordLogin
from app.auth.happened import Happened
from app.auth.pruning import Pruning
from app.errors import InvalidProof, UseNonce
from app.families.denylist import Denylist
from app.families.issuer import TokenIssuer
from app.families.replay_cache import ReplayCache
from app.infra.audit import Audit
from app.infra.clock import Clock
from app.infra.database import Database
from app.infra.throttle import Throttle
from app.mail.links import Links
from app.mail.outbox import Outbox
from app.tokens.dpop import Proof, ProofRefused

P = ParamSpec("P")

logger: Final = logging.getLogger("latchkey.activity")


@dataclass(frozen=True)
class Auth:
    """The objects that the stories use, and the steps that several stories have in common."""

    database: Database
    denylist: Denylist
    issuer: TokenIssuer
    password_login: PasswordLogin
    throttle: Throttle
    replay_cache: ReplayCache
    audit: Audit
    clock: Clock
    pruning: Pruning
    outbox: Outbox
    links: Links
    delete_rows: tuple[Callable[[Connection, str], None], ...] = ()
    """Functions of features that delete a user's rows, in the transaction of the deletion."""

    export_rows: Mapping[str, Callable[[Connection, str], object]] = field(default_factory=dict)
    """Functions of features that return what they store of a user, by the feature's name."""

    def commit(
        self,
        change: Callable[Concatenate[Connection, P], Sequence[Happened]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Sequence[Happened]:
        """Call `change` in one transaction; return what happened, which `change` returns.

        The rows for the owner are part of the transaction. Afterwards the access tokens of the
        revoked families are refused, and the audit record gets its lines.
        """
        now = self.clock.now()

        def change_and_tell(connection: Connection) -> Sequence[Happened]:
            happened = change(connection, *args, **kwargs)
            activity.insert_rows(connection, [one.row(now) for one in happened])
            return happened

        happened = self.database.transact(change_and_tell)
        self.deny(happened)
        return happened

    def deny(self, happened: Sequence[Happened]) -> bool:
        """Refuse the access tokens of families whose revocation is committed.

        Writes the audit record. Returns whether Redis has the entries of the denylist.
        """
        in_redis = self.denylist.deny([family for one in happened for family in one.revoked])
        for one in happened:
            one.record(self.audit)
        return in_redis

    def count_refusal(self, refused: Happened, *, email_key: str = "") -> None:
        """Write the audit record of a refusal, and count it in the owner's row of this hour.

        The same statement runs for an address without an account (`email_key`), so that the time
        does not show which addresses have accounts. The refusal stands when the row cannot be
        written; the log then says so.
        """
        refused.record(self.audit)
        row = refused.row(self.clock.now())
        try:
            self.database.write(activity.count_refusal, row, email_key)
        except SQLAlchemyError as error:
            logger.warning("a refusal was not counted: %s", type(error).__name__)

    def consume_proof(self, proof: Proof) -> None:
        """Make a verified proof unusable for a second request.

        Call it only after the credential is verified, so that unauthenticated clients cannot
        fill the replay cache.

        Raises:
            InvalidProof: when the proof was consumed before.
            UseNonce: when the record of that may be lost; the client repeats with a newer nonce.

        """
        try:
            self.replay_cache.consume(proof)
        except ProofRefused as refused:
            refusal = UseNonce if refused.reason == "nonce" else InvalidProof
            raise refusal(reason=refused.reason, status=400) from None
