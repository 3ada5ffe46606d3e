"""Keys of other kinds than Latchkey's own, and how each signs."""

from collections.abc import Callable
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

PSS = padding.PSS(padding.MGF1(SHA256()), 32)


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def edwards_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


@cache
def p256_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _es256(signed: bytes) -> bytes:
    r, s = decode_dss_signature(p256_key().sign(signed, ec.ECDSA(SHA256())))
    return r.to_bytes(32) + s.to_bytes(32)


SIGNERS: dict[str, Callable[[bytes], bytes]] = {
    "RS256": lambda signed: rsa_key().sign(signed, padding.PKCS1v15(), SHA256()),
    "PS256": lambda signed: rsa_key().sign(signed, PSS, SHA256()),
    "ES256": _es256,
    "EdDSA": lambda signed: edwards_key().sign(signed),
    "Ed25519": lambda signed: edwards_key().sign(signed),
}
