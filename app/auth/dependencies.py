"""The objects that every story of this package shares; `app.services` builds them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from app.accounts.password_login import PasswordLogin
from app.auth.pruning import Pruning
from app.errors import InvalidProof, UseNonce
from app.families.denylist import Denylist
from app.families.issuer import TokenIssuer
from app.families.models import RevokedFamily
from app.families.replay_cache import ReplayCache
from app.infra.audit import Audit, Client
from app.infra.clock import Clock
from app.infra.database import Database
from app.infra.throttle import Throttle
from app.tokens.dpop import Proof, ProofRefused


@dataclass(frozen=True)
class Auth:
    """The objects that the stories use, and two steps that several stories have in common."""

    database: Database
    denylist: Denylist
    issuer: TokenIssuer
    password_login: PasswordLogin
    throttle: Throttle
    replay_cache: ReplayCache
    audit: Audit
    clock: Clock
    pruning: Pruning
    delete_rows: tuple[Callable[[Connection, str], None], ...] = ()
    """Functions of features that delete a user's rows, in the transaction that erases the user."""

    def deny(
        self, revoked: Sequence[RevokedFamily], event: str, client: Client, **fields: str
    ) -> None:
        """Refuse the access tokens of families whose revocation is committed.

        Writes one audit record `event` for each family.
        """
        self.denylist.deny(revoked)
        for family in revoked:
            self.audit.record(event, client, sid=family.family_id, **fields)

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
