"""Exchange a refresh token for its successor, or detect a stolen one.

A client that proves to hold the family's key can retry a refresh whose response was lost: for a
token that was spent moments ago it gets the current successor again (`rotation.RETRY`). Every
other spent token is reuse. On a bound family, a token without a proof or with a proof by another
key is theft. Reuse and theft revoke the family (RFC 9700 section 4.14.2); the revocation is
committed and denied before the refusal is sent. Other refusals revoke nothing. The client always
gets the same refusal; only the audit record says why.
"""

from __future__ import annotations

from sqlalchemy import Connection

from app.accounts import queries as accounts
from app.accounts.activity import Event
from app.auth.dependencies import Auth
from app.auth.happened import Happened, each_ended
from app.errors import SessionEnded
from app.families import revocation
from app.families.issuer import PresentedCredentials, TokenPair, new_id
from app.families.models import THEFTS, Reason
from app.families.outcomes import Refused, Retried, Successor
from app.families.rotation import exchange
from app.infra.audit import Client
from app.mail.models import Kind
from app.tokens.claims import RefreshTokenClaims
from app.tokens.jws import TokenRefused


def refresh(auth: Auth, presented: PresentedCredentials, client: Client) -> TokenPair:
    """Exchange the current refresh token for its successor.

    Raises:
        SessionEnded: when the token is missing, forged, expired, revoked or reused.
        TooManyAttempts: when the family refreshes far more often than a browser does.
        InvalidProof, UseNonce: when the proof was consumed before, or may have been.

    """
    now, ttl = auth.clock.now(), auth.issuer.lifetimes
    try:
        claims = auth.issuer.refresh.verify(presented.cookie or "", now)
    except TokenRefused as refused:
        why = refused.reason if presented.cookie else "missing"
        auth.audit.refused(Event.REFRESH_REFUSED, client, why)
        raise SessionEnded(reason=why) from None
    auth.throttle.refresh(claims.family_id)
    if presented.proof:
        auth.consume_proof(presented.proof)
    successor = Successor(
        new_id(), now, ttl.idle, ttl.remember_idle, client.ip, client.user_agent, presented.jkt
    )
    outcome = exchange(auth.database, claims, successor)
    match outcome:
        case Refused(reason=reason):
            _record_refusal(auth, claims, reason, client, now)
            raise SessionEnded(reason=reason)
        case Retried():
            auth.audit.record("refresh_retried", client, sid=claims.family_id)
    return auth.issuer.issue(outcome.family, outcome.email)


def _record_refusal(
    auth: Auth, claims: RefreshTokenClaims, reason: Reason, client: Client, now: int
) -> None:
    user_id, sid = claims.sub, claims.family_id

    def end(connection: Connection) -> list[Happened]:
        # The account before the session, in the order of a deletion; otherwise both would wait.
        owner = accounts.find_and_lock(connection, user_id)
        revoked = revocation.revoke_family(connection, sid, reason, now, client.ip)
        if revoked and owner:
            auth.outbox.put(connection, Kind.THEFT, owner.email, client, owner)
        return each_ended(Event.REFRESH_REFUSED, revoked, client, reason)

    if reason in THEFTS and auth.commit(end):
        auth.outbox.wake()
        return
    # A client can cause these refusals without limit, so `refused` limits the lines of the record.
    auth.audit.refused(Event.REFRESH_REFUSED, client, reason, user_id=user_id, sid=sid)
