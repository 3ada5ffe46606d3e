"""Read and verify the current request's DPoP proof (RFC 9449)."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote

from flask import request

from app.errors import InvalidProof, UseNonce
from app.families.issuer import PresentedCredentials
from app.services import services
from app.tokens.dpop import ExpectedRequest, Proof, ProofRefused, read_proof
from app.web import cookies


def header() -> str | None:
    """Return the DPoP header; None when there is none.

    Two headers arrive joined by a comma, which no proof contains.
    """
    value = request.environ.get("HTTP_DPOP")
    return None if value is None else str(value)


def read(proof: str, ath: str | None = None) -> Proof:
    """Verify a proof of this request, without using it up.

    The URL is the public one: what a client writes into Host decides nothing.

    Raises:
        ProofRefused: with the reason.

    """
    url = services().settings.public_url + _quoted(request.environ["PATH_INFO"])
    now, nonces = services().clock.now(), services().nonces
    return read_proof(proof, ExpectedRequest(request.method, url, now, nonces, ath))


@lru_cache(maxsize=1024)
def _quoted(path: str) -> str:
    # Each character of a PATH_INFO is a byte of the path (PEP 3333), UTF-8 or not.
    return quote(path.encode("latin-1"), safe="/~:@!$&'()*+,;=-._")


def presented_credentials() -> PresentedCredentials:
    """Return what the client presents to a log-in or refresh: its cookie, and its proof.

    Raises:
        InvalidRequest: two refresh cookies.
        UseNonce, InvalidProof: when the proof is refused; this ends no session.

    """
    cookie, text = cookies.read_refresh(request), request.environ.get("HTTP_DPOP")
    try:
        return PresentedCredentials(cookie, read(text) if text is not None else None)
    except ProofRefused as refused:
        raise refusal(refused) from None


def refusal(refused: ProofRefused, status: int = 400) -> InvalidProof:
    """Return what to answer: ask for another nonce, or say that the proof is no good.

    400 where a token is asked for, 401 where one is used (RFC 9449 sections 8 and 9). The nonce
    that comes with it is good for the repeat, also when Redis lost its memory a moment ago.
    """
    if refused.reason != "nonce":
        return InvalidProof(reason=refused.reason, status=status)
    services().denylist_sync.check_for_loss()
    return UseNonce(reason=refused.reason, status=status)
