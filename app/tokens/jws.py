"""Check the form of a token before any cryptography; `codec` calls this first.

PyJWT 2.15.1 accepts a trailing `=`, UTF-16 JSON, duplicate names, any `typ`, `jku` and a
megabyte of input. With these, one credential has several spellings, and untrusted input reaches
code that should never see it. `parse_jws` accepts exactly one spelling of a token, so that nobody
evades a cache or a denylist by spelling a token differently (RFC 8725 sections 3.1, 3.3, 3.7,
3.10 and 3.11; RFC 7515 section 4.1.11).
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, Final

from app.infra.strict_json import parse_object

MAX_TOKEN_LENGTH: Final = 4096
ALGORITHM: Final = "HS256"
HEADER_NAMES: Final = frozenset({"alg", "typ", "kid"})

COMPACT: Final = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_KID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")


class TokenRefused(Exception):
    """The token is not acceptable. `reason` goes to the audit record, never to the client."""

    def __init__(self, reason: str) -> None:
        """Take a `reason` that stays the same from release to release, such as `signature`."""
        self.reason = reason
        super().__init__(reason)


def parse_jws(token: str, typ: str) -> str:
    """Return the `kid` of a well-formed token of type `typ`, whose signature is not verified yet.

    Raises:
        TokenRefused: with the reason
            `too_long`, when it has more than `MAX_TOKEN_LENGTH` characters;
            `not_compact`, when it is not three base64url segments;
            `not_canonical`, when a segment is not the only spelling of its bytes;
            `not_json`, when header or payload is not one JSON object without duplicate names;
            `header`, when the header has other members than `HEADER_NAMES`;
            `algorithm`, `type` or `kid`, when that member has another value than it must.

    """
    if len(token) > MAX_TOKEN_LENGTH:
        raise TokenRefused("too_long")
    match = COMPACT.fullmatch(token)
    if match is None:
        raise TokenRefused("not_compact")
    header_bytes, payload_bytes, _ = (
        decode_base64url_strict(segment) for segment in match.groups()
    )
    try:
        header = parse_object(header_bytes)
        parse_object(payload_bytes)
    except ValueError:
        raise TokenRefused("not_json") from None
    return _kid_of(header, typ)


def _kid_of(header: dict[str, Any], typ: str) -> str:
    if header.keys() != HEADER_NAMES:
        raise TokenRefused("header")
    # `alg` is compared with the one algorithm in use and never selects one: a token that may
    # choose its algorithm is the cause of algorithm confusion (RFC 8725 section 3.1).
    if header["alg"] != ALGORITHM:
        raise TokenRefused("algorithm")
    if header["typ"] != typ:
        raise TokenRefused("type")
    kid = header["kid"]
    if type(kid) is not str or not _KID.fullmatch(kid):
        raise TokenRefused("kid")
    return kid


def decode_base64url_strict(segment: str) -> bytes:
    """Decode a base64url segment, and refuse every spelling but the canonical one.

    Raises:
        TokenRefused: `not_canonical`, when the decoded bytes do not encode to `segment` again
            (padding, set bits after the last byte, other characters).

    """
    try:
        raw = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except binascii.Error:
        raise TokenRefused("not_canonical") from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != segment:
        raise TokenRefused("not_canonical")
    return raw
