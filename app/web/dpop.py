"""Read and verify the DPoP proof of the current request (RFC 9449).

`guards` calls this on protected routes, and the handlers of log-in, refresh and log-out.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from urllib.parse import quote

from flask import request

from app.errors import InvalidProof, UseNonce
from app.families.issuer import PresentedCredentials
from app.services import services
from app.tokens.dpop import ExpectedRequest, Proof, ProofRefused, read_proof
from app.web import cookies

HEADER: Final = "HTTP_DPOP"


def read(proof: str, ath: str | None = None) -> Proof:
    """Verify that `proof` was made for this request; the caller consumes it afterwards.

    `ath` is the hash of the access token that came with the request (`token_hash`). The proof
    must name the URL under PUBLIC_URL, whatever the Host header says. WSGI joins two DPoP headers
    with a comma, which no valid proof has, so two are refused.

    Raises:
        ProofRefused: when the proof is not valid for this request; `reason` says why.

    """
    url = services().settings.public_url + _quoted(request.environ["PATH_INFO"])
    now, nonces = services().clock.now(), services().nonces
    return read_proof(proof, ExpectedRequest(request.method, url, now, nonces, ath))


@lru_cache(maxsize=1024)
def _quoted(path: str) -> str:
    # Each character of PATH_INFO stands for one byte of the decoded path (PEP 3333).
    return quote(path.encode("latin-1"), safe="/~:@!$&'()*+,;=-._")


def presented_credentials() -> PresentedCredentials:
    """Return the refresh cookie and the verified proof of a log-in, refresh or log-out.

    Raises:
        InvalidRequest: when the request has two refresh cookies.
        UseNonce: when the proof has no nonce or an outdated one.
        InvalidProof: when the proof is not valid for this request. Neither revokes a session.

    """
    cookie, text = cookies.read_refresh(request), request.environ.get(HEADER)
    try:
        return PresentedCredentials(cookie, read(text) if text is not None else None)
    except ProofRefused as refused:
        raise refusal(refused) from None


def refusal(refused: ProofRefused, status: int = 400) -> InvalidProof:
    """Return the refusal for a refused proof: one that asks for a newer nonce, or a final one.

    `status` is 400 at endpoints that issue tokens and 401 at protected routes (RFC 9449 sections
    8 and 9). The response has a new nonce. It is newer than any loss of data in Redis until now,
    so that the client's repeat is not refused for the loss.
    """
    if refused.reason != "nonce":
        return InvalidProof(reason=refused.reason, status=status)
    services().denylist_sync.check_for_loss()
    return UseNonce(reason=refused.reason, status=status)
