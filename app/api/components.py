"""What the endpoints share: request bodies, the proof, the credentials and the headers."""

from __future__ import annotations

from typing import Any, Final

from app.accounts.emails import MAX_LENGTH
from app.accounts.password_policy import MAX_PASSWORD_BYTES
from app.api.health import Failing, Healthy, Ready
from app.api.schemas import COMPACT, EXAMPLE_ID, ID, Schema
from app.tokens.dpop import MAX_PROOF_LENGTH
from app.tokens.jwk import THUMBPRINT
from app.web.cookies import REFRESH
from app.web.problems import Problem, Reason
from app.web.responses import (
    AccountSession,
    AccountView,
    RegisteredView,
    SessionsView,
    SessionView,
    TokenResponse,
    TokenSession,
    TokenUser,
    UserView,
)

Security = tuple[dict[str, list[str]], ...]
Bodies = dict[str, tuple[Schema, Schema]]

TYPES: Final[tuple[type[Any], ...]] = (
    TokenResponse,
    TokenSession,
    TokenUser,
    RegisteredView,
    UserView,
    AccountView,
    AccountSession,
    SessionsView,
    SessionView,
    Healthy,
    Ready,
    Failing,
    Problem,
    Reason,
)

TEXT: Final[Schema] = {"type": "string", "minLength": 1, "pattern": "^[^\\u0000]+$"}
PASSWORD: Final = TEXT | {
    "format": "password",
    "maxLength": MAX_PASSWORD_BYTES,
    "description": f"At most {MAX_PASSWORD_BYTES:,} bytes of UTF-8. Compared as NFC, never cut.",
}
ADDRESS: Final[Schema] = {"type": "string", "format": "idn-email", "maxLength": MAX_LENGTH}
REMEMBER: Final[Schema] = {
    "type": "boolean",
    "default": False,
    "description": "Keep the session over the end of the browser.",
}
NEXT_KEY: Final[Schema] = {
    "type": "string",
    "pattern": f"^{THUMBPRINT}$",
    "description": "The thumbprint (RFC 7638) of a new key that the new session is bound to. "
    "Without it the new session stays bound to the present key, or unbound.",
}
EXAMPLE: Final = {"email": "ada@example.com", "password": "quarry lantern umbrella nine"}

HEADERS: Final[dict[str, Schema]] = {
    "X-Request-Id": {
        "description": "The number of this request, also in the log.",
        "schema": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
    },
    "DPoP-Nonce": {
        "description": "The newest nonce; the next proof carries it (RFC 9449 section 8).",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{32}$"},
    },
    "WWW-Authenticate": {
        "description": "Which scheme is wanted, and what was wrong with what was sent.",
        "schema": {"type": "string", "pattern": '^(Bearer|DPoP) realm="latchkey"'},
    },
    "Retry-After": {
        "description": "Seconds to wait.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "Set-Cookie": {
        "description": f"`{REFRESH}`: the next refresh token, or nothing when the session ended. "
        "After a log-in also the mark of a known browser.",
        "schema": {"type": "string", "pattern": f"^{REFRESH}="},
    },
    "Clear-Site-Data": {
        "description": "Has the browser forget what script of the site stored.",
        "schema": {"type": "string", "enum": ['"storage"']},
    },
}

PARAMETERS: Final[dict[str, Schema]] = {
    "Proof": {
        "name": "DPoP",
        "in": "header",
        "description": "A proof of possession for this very request (RFC 9449): an ES256 JWT "
        "over method, URL, the newest `DPoP-Nonce` and a number used once.",
        "schema": {"type": "string", "pattern": COMPACT, "maxLength": MAX_PROOF_LENGTH},
        "example": "eyJ0eXAiOiJkcG9wK2p3dCJ9.eyJodG0iOiJQT1NUIn0.c2lnbmF0dXJl",
    },
    "Session": {
        "name": "family_id",
        "in": "path",
        "required": True,
        "description": "The `id` of one of the caller's sessions.",
        "schema": {"type": "string", "pattern": ID},
        "example": EXAMPLE_ID,
    },
}

SECURITY_SCHEMES: Final[dict[str, Schema]] = {
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
        "description": "A proof for this request that also names the token's hash (`ath`).",
    },
    "refreshToken": {
        "type": "apiKey",
        "in": "cookie",
        "name": REFRESH,
        "description": "Set by log-in, refresh and password change; no script can read it.",
    },
}


ACCESS: Final[Security] = (
    {"accessToken": []},
    {"boundAccessToken": [], "proof": []},
)
COOKIE: Final[Security] = ({"refreshToken": []},)
EITHER_OR_NONE: Final[Security] = (*COOKIE, *ACCESS, {})


def bodies(shortest_password: int) -> Bodies:
    """Return the schema and an example of each request body; other fields are not looked at."""
    new = PASSWORD | {"minLength": shortest_password}
    change = {"current_password": PASSWORD, "new_password": new}
    changed = {
        "current_password": EXAMPLE["password"],
        "new_password": "another marble teapot wanders",
    }
    log_in = {"email": TEXT, "password": PASSWORD}
    return {
        "Registration": (_object({"email": ADDRESS, "password": new}), EXAMPLE),
        "Credentials": (_object(log_in, {"remember": REMEMBER}), EXAMPLE | {"remember": True}),
        "PasswordChange": (_object(change, {"dpop_jkt": NEXT_KEY}), changed),
    }


def _object(needed: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    properties = needed | (optional or {})
    return {"type": "object", "properties": properties, "required": list(needed)}
