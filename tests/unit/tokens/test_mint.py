from app.families.issuer import TokenIssuer
from app.tokens.claims import AccessTokenClaims
from tests.support.client import claims as claims_of
from tests.support.forger import Forger, header


def test_a_minted_token_is_the_forged_good_one(issuer: TokenIssuer, access_forger: Forger) -> None:
    """The codec and forty lines of HMAC agree on the signature: RFC 7515 and nothing more."""
    claims = AccessTokenClaims(**access_forger.claims())
    minted, forged = issuer.access.sign(claims), access_forger.forge()
    assert minted.split(".")[1] == forged.split(".")[1]
    assert access_forger.sign(minted.rpartition(".")[0]) == minted


def test_the_header_has_only_alg_typ_and_kid(issuer: TokenIssuer, access_forger: Forger) -> None:
    claims = AccessTokenClaims(**access_forger.claims())
    token = issuer.access.sign(claims)
    assert header(token) == access_forger.header() == issuer.access.header()


def test_the_same_claims_give_the_same_token(issuer: TokenIssuer, access_forger: Forger) -> None:
    """HS256 is deterministic: a token can be minted again instead of stored."""
    claims = AccessTokenClaims(**access_forger.claims())
    assert issuer.access.sign(claims) == issuer.access.sign(claims)


def test_the_payload_says_nothing_about_the_person(
    issuer: TokenIssuer, access_forger: Forger
) -> None:
    claims = AccessTokenClaims(**access_forger.claims())
    payload = claims_of(issuer.access.sign(claims))
    assert payload.keys() == {"iss", "aud", "sub", "sid", "jti", "iat", "exp", "auth_time", "amr"}
