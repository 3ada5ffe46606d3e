from app.tokens.claims import AccessTokenClaims
from tests.support.client import claims
from tests.support.forger import header
from tests.unit.tokens.conftest import Tokens


def mint(access: Tokens) -> str:
    return access.codec.sign(AccessTokenClaims(**access.forger.claims()))


def test_a_minted_token_is_the_forged_good_one(access: Tokens) -> None:
    """The codec and a plain HMAC of RFC 7515 agree."""
    minted, forged = mint(access), access.forger.forge()
    assert minted.split(".")[1] == forged.split(".")[1]
    assert access.forger.sign(minted.rpartition(".")[0]) == minted


def test_the_header_has_only_alg_typ_and_kid(access: Tokens) -> None:
    assert header(mint(access)) == access.forger.header() == access.codec.header()


def test_the_same_claims_give_the_same_token(access: Tokens) -> None:
    """HS256 is deterministic, so a token can be issued again instead of being stored."""
    assert mint(access) == mint(access)


def test_the_payload_says_nothing_about_the_person(access: Tokens) -> None:
    names = {"iss", "aud", "sub", "sid", "jti", "iat", "exp", "auth_time", "amr"}
    assert claims(mint(access)).keys() == names
