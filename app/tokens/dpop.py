"""Verify DPoP proofs (RFC 9449); `app.web.dpop` calls this for each request that carries one.

A proof is a signature, by the key that a session is bound to, over the method and URL of one
request, a nonce of the server and, on a protected route, the hash of the access token. The nonce
limits the proof's age: injected script cannot make proofs in advance, and a wrong client clock
does no harm. `app.families.replay_cache` refuses a proof that was used before.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from app.infra.strict_json import parse_object
from app.tokens.jwk import COORDINATE_BYTES, encode_base64url, parse_public_jwk
from app.tokens.jws import COMPACT, TokenRefused, decode_base64url_strict
from app.tokens.nonces import Nonces

MAX_PROOF_LENGTH: Final = 2048
MAX_CACHED_KEYS: Final = 2048
MAX_SKEW_SECONDS: Final = 86400  # wide, because the nonce and not `iat` limits a proof's age

_HEADER: Final = frozenset({"typ", "alg", "jwk"})
_CLAIMS: Final = frozenset({"jti", "htm", "htu", "iat", "nonce"})
_JTI: Final = re.compile(r"[A-Za-z0-9_.~-]{8,128}")
_ESCAPED: Final = re.compile("%(21|24|2[6-9A-C]|3[ABD]|40)")
_SIGNATURE_BYTES: Final = 2 * COORDINATE_BYTES
_ES256: Final = ECDSA(SHA256())


class ProofRefused(Exception):
    """The proof is not acceptable. The request is refused; no session is revoked for it."""

    def __init__(self, reason: str) -> None:
        """Take a `reason` that stays the same from release to release.

        The reason `nonce` means that the client should repeat the request with a newer nonce.
        """
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class ExpectedRequest:
    """The request that a proof must have been made for.

    `now` is in seconds, UTC. `ath` is the hash of the access token that came with the request;
    None when none did, and then the proof must not name one.
    """

    method: str
    url: str
    now: int
    nonces: Nonces
    ath: str | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """A verified proof.

    `jkt` is the thumbprint of its key (RFC 7638), `jti` its id, chosen by the client, and
    `nonce_made_at` the time at which its nonce was made, in seconds, UTC.
    """

    jkt: str
    jti: str
    nonce_made_at: int


def read_proof(text: str, expected: ExpectedRequest) -> Proof:
    """Verify the proof `text` for the request `expected` (RFC 9449 section 4.3).

    The caller still has to check that the proof was not used before (`ReplayCache`) and that its
    key is the one that the token is bound to.

    Raises:
        ProofRefused: with the reason
            `too_long`, when it has more than `MAX_PROOF_LENGTH` characters;
            `not_compact`, `not_canonical` or `not_json`, when its form is wrong, as for tokens;
            `header`, `algorithm` or `key`, when the header is not that of an ES256 proof with a
            public P-256 key;
            `signature`, when the key did not sign it;
            `claims`, when a claim is missing or unknown;
            `request`, when it was made for another method or URL;
            `token`, when it was made for another access token;
            `jti` or `iat`, when that claim has a wrong type or value;
            `nonce`, when its nonce is missing, too old or not one of this deployment.

    """
    if len(text) > MAX_PROOF_LENGTH:
        raise ProofRefused("too_long")
    match = COMPACT.fullmatch(text)
    if match is None:
        raise ProofRefused("not_compact")
    key, jkt = _key_of(match[1])
    claims, signature = _object(match[2]), _bytes(match[3])
    _verify_signature(key, text[: match.end(2)], signature)
    made_at = _check(claims, expected)
    return Proof(jkt, claims["jti"], made_at)


def token_hash(access_token: str) -> str:
    """Return the claim `ath` of a proof for `access_token` (RFC 9449 section 4.2)."""
    return encode_base64url(hashlib.sha256(access_token.encode()).digest())


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


@lru_cache(maxsize=MAX_CACHED_KEYS)
def _key_of(segment: str) -> tuple[EllipticCurvePublicKey, str]:
    """Return the public key in a proof's header, and its thumbprint.

    Cached, because a browser sends the same header as long as its session lasts.
    """
    header = _object(segment)
    if header.keys() != _HEADER or header["typ"] != "dpop+jwt":
        raise ProofRefused("header")
    if header["alg"] != "ES256":
        raise ProofRefused("algorithm")
    try:
        return parse_public_jwk(header["jwk"])
    except ValueError:
        raise ProofRefused("key") from None


def _verify_signature(key: EllipticCurvePublicKey, signed: str, signature: bytes) -> None:
    if len(signature) != _SIGNATURE_BYTES:
        raise ProofRefused("signature")
    r = int.from_bytes(signature[:COORDINATE_BYTES])
    s = int.from_bytes(signature[COORDINATE_BYTES:])
    try:
        key.verify(encode_dss_signature(r, s), signed.encode(), _ES256)
    except InvalidSignature:
        raise ProofRefused("signature") from None


def _check(claims: dict[str, Any], expected: ExpectedRequest) -> int:
    """Check the claims of a proof; return when its nonce was made, in seconds, UTC."""
    required = _CLAIMS if expected.ath is None else _CLAIMS | {"ath"}
    # A missing nonce gets its own refusal below: it tells the client to repeat with one.
    if claims.keys() - {"nonce"} != required - {"nonce"}:
        raise ProofRefused("claims")
    if claims["htm"] != expected.method or _compared(claims["htu"]) != expected.url:
        raise ProofRefused("request")
    if expected.ath is not None and claims["ath"] != expected.ath:
        raise ProofRefused("token")
    if type(claims["jti"]) is not str or not _JTI.fullmatch(claims["jti"]):
        raise ProofRefused("jti")
    iat = claims["iat"]
    if type(iat) is not int or abs(iat - expected.now) > MAX_SKEW_SECONDS:
        raise ProofRefused("iat")
    made_at = expected.nonces.made_at(claims.get("nonce"), expected.now)
    if made_at is None:
        raise ProofRefused("nonce")
    return made_at


def _compared(htu: object) -> object:
    """Return what of `htu` is compared: all but query and fragment (RFC 9449 section 4.3).

    The escapes of the reserved characters that a path may contain as they are get decoded:
    `encodeURIComponent` writes them, and WSGI passes the server the decoded path. An escaped
    letter or slash stays escaped, so that its URL does not match and is refused.
    """
    if type(htu) is not str:
        return htu
    url = htu.partition("#")[0].partition("?")[0]
    return _ESCAPED.sub(lambda match: unquote(match[0]), url) if "%" in url else url
