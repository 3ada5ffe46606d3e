"""DPoP proofs (RFC 9449): read as strictly as tokens.

A proof says: whoever holds this key asks for this method, this URL, now, with this token. The
server's own nonce bounds its age, so that it cannot be minted ahead by injected script and a
wrong client clock does no harm. It is used once; `families/once` sees to that.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from app.infra.strict_json import parse_object
from app.tokens.jws import COMPACT, TokenRefused, decode_base64url_strict
from app.tokens.nonces import Nonces

MAX_PROOF_LENGTH: Final = 2048
REMEMBERED_KEYS: Final = 2048
MAX_SKEW_SECONDS: Final = 86400
COORDINATE_BYTES: Final = 32

# RFC 7638 with SHA-256, in the one spelling that base64url has for 32 bytes.
THUMBPRINT: Final = "[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"
_HEADER: Final = frozenset({"typ", "alg", "jwk"})
_JWK: Final = frozenset({"kty", "crv", "x", "y"})
_CLAIMS: Final = frozenset({"jti", "htm", "htu", "iat", "nonce"})
_JTI: Final = re.compile(r"[A-Za-z0-9_.~-]{8,128}")
_ESCAPED: Final = re.compile("%(21|24|2[6-9A-C]|3[ABD]|40)")
_SIGNATURE_BYTES: Final = 2 * COORDINATE_BYTES
_ES256: Final = ECDSA(SHA256())


class ProofRefused(Exception):
    """A proof that is not accepted: it refuses the request and ends nothing."""

    def __init__(self, reason: str) -> None:
        """Keep the stable `reason`; `nonce` asks the client to try again with a newer one."""
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class ExpectedRequest:
    """What a proof has to be about. `ath` is the hash of the access token, where there is one."""

    method: str
    url: str
    now: int
    nonces: Nonces
    ath: str | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """A verified proof: the thumbprint of its key (RFC 7638), and its number.

    `nonce_made_at` is when its nonce was made, in seconds, UTC.
    """

    jkt: str
    jti: str
    nonce_made_at: int


def read_proof(text: str, asked: ExpectedRequest) -> Proof:
    """Verify a proof and return whose it is.

    Raises:
        ProofRefused: with the reason, on any fault.

    """
    if len(text) > MAX_PROOF_LENGTH:
        raise ProofRefused("too_long")
    match = COMPACT.fullmatch(text)
    if match is None:
        raise ProofRefused("not_compact")
    key, jkt = _key_of(match[1])
    claims, signature = _object(match[2]), _bytes(match[3])
    if len(signature) != _SIGNATURE_BYTES:
        raise ProofRefused("signature")
    r, s = (
        int.from_bytes(signature[:COORDINATE_BYTES]),
        int.from_bytes(signature[COORDINATE_BYTES:]),
    )
    try:
        key.verify(encode_dss_signature(r, s), text[: match.end(2)].encode("ascii"), _ES256)
    except InvalidSignature:
        raise ProofRefused("signature") from None
    made_at = _check(claims, asked)
    return Proof(jkt, claims["jti"], made_at)


def token_hash(access_token: str) -> str:
    """Return the `ath` of an access token (RFC 9449 section 4.2)."""
    return _base64url(hashlib.sha256(access_token.encode("ascii")).digest())


def _bytes(segment: str) -> bytes:
    try:
        return decode_base64url_strict(segment)
    except TokenRefused as refused:
        raise ProofRefused(refused.reason) from None


def _object(segment: str) -> dict[str, Any]:
    try:
        return parse_object(_bytes(segment))
    except ValueError:
        raise ProofRefused("not_json") from None


@lru_cache(maxsize=REMEMBERED_KEYS)
def _key_of(segment: str) -> tuple[EllipticCurvePublicKey, str]:
    """Return the key of a header and its thumbprint.

    A browser sends the same header for as long as its session: it is parsed once.
    """
    header = _object(segment)
    if header.keys() != _HEADER or header["typ"] != "dpop+jwt":
        raise ProofRefused("header")
    if header["alg"] != "ES256":
        raise ProofRefused("algorithm")
    jwk = header["jwk"]
    # Exactly the public members: a `d` would be somebody's private key, sent to us.
    if type(jwk) is not dict or jwk.keys() != _JWK:
        raise ProofRefused("key")
    x, y = jwk["x"], jwk["y"]
    if jwk["kty"] != "EC" or jwk["crv"] != "P-256" or type(x) is not str or type(y) is not str:
        raise ProofRefused("key")
    members = f'{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}'
    return _public_key(x, y), _base64url(hashlib.sha256(members.encode()).digest())


def _public_key(x: str, y: str) -> EllipticCurvePublicKey:
    try:
        at = [decode_base64url_strict(coordinate) for coordinate in (x, y)]
        if any(len(raw) != COORDINATE_BYTES for raw in at):
            raise ProofRefused("key")
        numbers = EllipticCurvePublicNumbers(
            x=int.from_bytes(at[0]), y=int.from_bytes(at[1]), curve=SECP256R1()
        )
        return numbers.public_key()
    except (TokenRefused, ValueError):
        raise ProofRefused("key") from None


def _check(claims: dict[str, Any], asked: ExpectedRequest) -> int:
    """Return when the nonce of a proof was made, once the proof is about what was asked."""
    wanted = _CLAIMS if asked.ath is None else _CLAIMS | {"ath"}
    if claims.keys() - {"nonce"} != wanted - {"nonce"}:
        raise ProofRefused("claims")
    if claims["htm"] != asked.method or _bare(claims["htu"]) != asked.url:
        raise ProofRefused("request")
    if asked.ath is not None and claims["ath"] != asked.ath:
        raise ProofRefused("token")
    if type(claims["jti"]) is not str or not _JTI.fullmatch(claims["jti"]):
        raise ProofRefused("jti")
    iat = claims["iat"]
    if type(iat) is not int or abs(iat - asked.now) > MAX_SKEW_SECONDS:
        raise ProofRefused("iat")
    made_at = asked.nonces.made_at(claims.get("nonce"), asked.now)
    if made_at is None:
        raise ProofRefused("nonce")
    return made_at


def _bare(htu: object) -> object:
    """Write out the reserved characters that a path may hold bare: a client may escape them.

    `encodeURIComponent` does, and the server is only told the path without its escapes. A letter
    or a slash in disguise stays what it is, and is refused.
    """
    if type(htu) is str and "%" in htu:
        return _ESCAPED.sub(lambda match: unquote(match[0]), htu)
    return htu


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
