import re

import pytest

from app.attacks.prover import Prover, base64url
from app.tokens.jwk import THUMBPRINT, parse_public_jwk

PROVER = Prover()
JWK = PROVER.jwk


def test_a_public_key_is_parsed_with_its_thumbprint() -> None:
    key, thumbprint = parse_public_jwk(JWK)
    numbers = key.public_numbers()
    assert [base64url(one.to_bytes(32)) for one in (numbers.x, numbers.y)] == [JWK["x"], JWK["y"]]
    assert thumbprint == PROVER.thumbprint
    assert re.fullmatch(THUMBPRINT, thumbprint)


@pytest.mark.parametrize(
    ("jwk", "reason"),
    [
        (None, "not a public key"),
        ([*JWK], "not a public key"),
        (JWK | {"d": JWK["x"]}, "not a public key"),
        ({"kty": "EC"}, "not a public key"),
        (JWK | {"kty": "RSA"}, "not a P-256 key"),
        (JWK | {"crv": "P-384"}, "not a P-256 key"),
        (JWK | {"x": 1}, "not a P-256 key"),
        (JWK | {"y": None}, "not a P-256 key"),
        (JWK | {"x": JWK["x"] + "="}, "not_canonical"),
        (JWK | {"y": "AAAA"}, "not a coordinate of P-256"),
    ],
)
def test_what_is_no_public_key_is_refused_with_the_reason(jwk: object, reason: str) -> None:
    """A client that sends its private key is refused first of all."""
    with pytest.raises(ValueError, match=f"^{reason}$"):
        parse_public_jwk(jwk)


def test_a_point_that_is_not_on_the_curve_is_refused() -> None:
    """Anybody could sign for such a key."""
    with pytest.raises(ValueError, match="on the curve"):
        parse_public_jwk(JWK | {"y": JWK["x"]})
