import base64
import json

from app.families.issuer import TokenIssuer
from app.tokens.claims import AccessTokenClaims
from tests.support.forger import Forger


def test_a_minted_token_is_the_forged_good_one(issuer: TokenIssuer, access_forger: Forger) -> None:
    """The codec and forty lines of HMAC agree on the signature: RFC 7515 and nothing more."""
    claims = AccessTokenClaims(**access_forger.claims())
    minted, forged = issuer.access.sign(claims), access_forger.forge()
    assert minted.split(".")[1] == forged.split(".")[1]
    assert access_forger.sign(minted.rpartition(".")[0]) == minted


def test_the_header_says_three_things(issuer: TokenIssuer, access_forger: Forger) -> None:
    """A minted header has exactly alg, typ and kid, and `header` tells the same."""
    claims = AccessTokenClaims(**access_forger.claims())
    segment = issuer.access.sign(claims).split(".")[0]
    header = json.loads(base64.urlsafe_b64decode(segment + "=="))
    assert header == access_forger.header() == issuer.access.header()


def test_the_same_claims_give_the_same_token(issuer: TokenIssuer, access_forger: Forger) -> None:
    """HS256 is deterministic: a token can be minted again instead of stored."""
    claims = AccessTokenClaims(**access_forger.claims())
    assert issuer.access.sign(claims) == issuer.access.sign(claims)


def test_the_payload_says_nothing_about_the_person(
    issuer: TokenIssuer, access_forger: Forger
) -> None:
    """No e-mail address, name or role is readable in a token."""
    claims = AccessTokenClaims(**access_forger.claims())
    segment = issuer.access.sign(claims).split(".")[1]
    payload = json.loads(base64.urlsafe_b64decode(segment + "=="))
    assert payload.keys() == {"iss", "aud", "sub", "sid", "jti", "iat", "exp", "auth_time", "amr"}
