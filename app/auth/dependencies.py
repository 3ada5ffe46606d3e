"""The parts that every story of this package shares."""

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
    """What the stories need, and the two steps that several of them take."""

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
    """What deletes the rows that a product keeps of a user, in the erasure's transaction."""

    def deny(
        self, revoked: Sequence[RevokedFamily], event: str, client: Client, **fields: str
    ) -> None:
        """Deny the access tokens of families whose revocation is committed; record `event`."""
        self.denylist.deny(revoked)
        for family in revoked:
            self.audit.record(event, client, sid=family.family_id, **fields)

    def consume_proof(self, proof: Proof) -> None:
        """Make a verified proof unusable for a second request.

        Call it only after the credential is verified, so that unauthenticated clients cannot
        fill the replay cache.

        Raises:
            InvalidProof: when the proof was consumed before.
            UseNonce: when its consumption may have been forgotten.

        """
        try:
            self.replay_cache.consume(proof)
        except ProofRefused as refused:
            kind = UseNonce if refused.reason == "nonce" else InvalidProof
            raise kind(reason=refused.reason, status=400) from None
