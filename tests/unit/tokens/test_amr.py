import pytest

from tests.unit.tokens.conftest import Tokens


def test_an_access_token_of_a_former_release_is_read(access: Tokens) -> None:
    """It has no `amr`, and is valid for ten minutes after an update."""
    said = access.forger.claims()
    del said["amr"]
    assert access.verify(access.forger.forge(claims=said)).amr is None


def test_up_to_eight_methods_are_read_in_their_order(access: Tokens) -> None:
    names = ["pwd", "otp", "mfa", "hwk", "pop", "user", "retina", "abcdefgh"]
    assert access.verify(access.saying(amr=names)).amr == tuple(names)


@pytest.mark.parametrize(
    "amr",
    [
        *(None, "pwd", 7, {"pwd": 1}, [], [None], [7], [["pwd"]]),
        *([""], ["p"], ["abcdefghi"], ["PWD"], ["pwd "], ["pwd\n"], ["pw1"], ["pwd", "pwd"]),
        [chr(ord("a") + n) * 2 for n in range(9)],
    ],
)
def test_methods_of_another_form_are_refused(access: Tokens, amr: object) -> None:
    """RFC 8176 allows no such names."""
    assert access.refusal(access.saying(amr=amr)) == "claim_type"
