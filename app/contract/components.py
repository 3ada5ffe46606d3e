"""What operations of `/openapi.json` share: headers, a parameter, credentials, examples."""

from __future__ import annotations

from typing import Any, Final

from app.errors import WeakPassword
from app.tokens.dpop import MAX_PROOF_LENGTH
from app.web.cookies import REFRESH
from app.web.problem_detail import ProblemDetail
from app.web.responses import Problem
from app.web.step_up import RECENT_SECONDS, InsufficientAuthentication

HEADERS: Final[dict[str, dict[str, Any]]] = {
    "X-Request-Id": {
        "description": "The number of this request, which is also in the log.",
        "schema": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
    },
    "DPoP-Nonce": {
        "description": "The newest nonce; the next proof carries it (RFC 9449 section 8).",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{32}$"},
    },
    "WWW-Authenticate": {
        "description": "The scheme to use, and what was wrong with the token or the proof.",
        "schema": {"type": "string", "pattern": '^(Bearer|DPoP) realm="latchkey"'},
    },
    "Retry-After": {
        "description": "Seconds to wait.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "Set-Cookie": {
        "description": f"`{REFRESH}`: the next refresh token, or empty when the session ended. "
        "After a log-in also the mark of a known browser.",
        "schema": {"type": "string", "pattern": f"^{REFRESH}="},
    },
    "Content-Disposition": {
        "description": "The name of the file that a browser stores (RFC 6266).",
        "schema": {"type": "string", "pattern": "^attachment; filename="},
    },
    "Clear-Site-Data": {
        "description": "The browser deletes what script of the site stored.",
        "schema": {"type": "string", "enum": ['"storage"']},
    },
}

PROOF: Final[dict[str, Any]] = {
    "name": "DPoP",
    "in": "header",
    "description": "A proof of possession for this request (RFC 9449): an ES256 JWT over method, "
    "URL, the newest `DPoP-Nonce` and an id that is used once.",
    "schema": {
        "type": "string",
        "pattern": r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$",
        "maxLength": MAX_PROOF_LENGTH,
    },
    "example": "eyJ0eXAiOiJkcG9wK2p3dCJ9.eyJodG0iOiJQT1NUIn0.c2lnbmF0dXJl",
}

SECURITY_SCHEMES: Final[dict[str, dict[str, Any]]] = {
    "accessToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "`Authorization: Bearer …` with the access token of an unbound session.",
    },
    "boundAccessToken": {
        "type": "http",
        "scheme": "DPoP",
        "description": "`Authorization: DPoP …` with the access token of a bound session.",
    },
    "proof": {
        "type": "apiKey",
        "in": "header",
        "name": "DPoP",
        "description": "A proof for this request that also contains the token's hash (`ath`).",
    },
    "refreshToken": {
        "type": "apiKey",
        "in": "cookie",
        "name": REFRESH,
        "description": "Set by log-in, refresh and password change; no script can read it.",
    },
}


def example_of(refusal: ProblemDetail) -> Problem:
    """Return the body of a refusal as a client may get it."""
    problem: Problem = {
        "type": f"urn:latchkey:problem:{refusal.code}",
        "title": refusal.title,
        "status": refusal.status,
        "detail": refusal.detail,
        "code": refusal.code,
        "request_id": "5f0d3b8a9c4e1726",
    }
    if refusal.code == WeakPassword.code:
        detail = "Use at least 15 characters; a few words will do."
        problem["reasons"] = [{"code": "too_short", "detail": detail}]
    if refusal.code == InsufficientAuthentication.code:
        problem["max_age"] = RECENT_SECONDS
    return problem
