import pytest

from app.families.issuer import TokenIssuer
from tests.support.forger import Forger
from tests.unit.tokens.conftest import refusal


def test_an_access_token_of_a_former_release_is_read(
    issuer: TokenIssuer, access_forger: Forger
) -> None:
    """It has no `amr`, and lives for ten minutes after an update."""
    said = access_forger.claims()
    del said["amr"]
    claims = issuer.access.verify(access_forger.forge(claims=said), access_forger.now)
    assert claims.amr is None


def test_up_to_eight_methods_are_read_in_their_order(
    issuer: TokenIssuer, access_forger: Forger
) -> None:
    names = ["pwd", "otp", "mfa", "hwk", "pop", "user", "retina", "abcdefgh"]
    token = access_forger.forge(claims=access_forger.claims() | {"amr": names})
    assert issuer.access.verify(token, access_forger.now).amr == tuple(names)


@pytest.mark.parametrize(
    "amr",
    [
        *(None, "pwd", 7, {"pwd": 1}, [], [None], [7], [["pwd"]]),
        *([""], ["p"], ["abcdefghi"], ["PWD"], ["pwd "], ["pwd\n"], ["pw1"], ["pwd", "pwd"]),
        [chr(ord("a") + n) * 2 for n in range(9)],
    ],
)
def test_methods_of_another_form_are_refused(
    issuer: TokenIssuer, access_forger: Forger, amr: object
) -> None:
    """Neither a text, nor an empty list, nor names that RFC 8176 could not have."""
    token = access_forger.forge(claims=access_forger.claims() | {"amr": amr})
    assert refusal(issuer.access, token) == "claim_type"
