"""The strict look at a token's form, before any cryptography.

PyJWT 2.15.1 accepts a trailing `=`, UTF-16 JSON, duplicate names, any `typ`, `jku` and a
megabyte; each gives one credential several spellings or reaches code it should not. Here a
token has exactly one spelling, so a denylist or a cache keyed by it cannot be walked around
(RFC 8725 sections 3.1, 3.3, 3.7, 3.10 and 3.11; RFC 7515 section 4.1.11).
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
    """A token that is not accepted; `reason` is for the audit record, never for the answer."""

    def __init__(self, reason: str) -> None:
        """Keep the stable `reason`."""
        self.reason = reason
        super().__init__(reason)


def parse_jws(token: str, typ: str) -> str:
    """Return the `kid` of a well-formed, still unverified token of type `typ`.

    Raises:
        TokenRefused: `too_long`, `not_compact`, `not_canonical`, `not_json`, `header`,
            `algorithm`, `type` or `kid`.

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
    # `alg` is compared, never obeyed: algorithm confusion starts with asking the token.
    if header["alg"] != ALGORITHM:
        raise TokenRefused("algorithm")
    if header["typ"] != typ:
        raise TokenRefused("type")
    kid = header["kid"]
    if type(kid) is not str or not _KID.fullmatch(kid):
        raise TokenRefused("kid")
    return kid


def decode_base64url_strict(segment: str) -> bytes:
    """Decode the only base64url spelling of some bytes.

    Raises:
        TokenRefused: `not_canonical`.

    """
    try:
        raw = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except binascii.Error:
        raise TokenRefused("not_canonical") from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != segment:
        raise TokenRefused("not_canonical")
    return raw
