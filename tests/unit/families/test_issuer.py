import re
from dataclasses import replace

import pytest

from app.families.issuer import Lifetimes, TokenIssuer, new_id
from app.families.models import Family
from app.infra.audit import Client
from app.tokens.claims import AccessTokenClaims, RefreshTokenClaims, with_claims
from app.tokens.codec import Codec, Rules
from app.tokens.keys import key_ring
from tests.support.clock import NOW

SECRET = b"a secret of thirty-two characters"
ISSUER = "https://localhost"
LIVES = Lifetimes(
    access=600, idle=3600, absolute=7200, remember_idle=86400, remember_absolute=864000
)
CLIENT = Client("192.0.2.1", "a browser", "a-request")
USER = "u" * 22
KEY = "k" * 43


@pytest.fixture(scope="module")
def issuer() -> TokenIssuer:
    """An issuer whose access tokens say which plan a user has."""
    access, refresh = (
        key_ring(SECRET, (), env="testing", issuer=ISSUER, purpose=purpose)
        for purpose in ("access token", "refresh token")
    )
    of_access = Rules("at+jwt", ISSUER, ISSUER, 600, 5)
    of_refresh = Rules("rt+jwt", ISSUER, f"{ISSUER}/auth/refresh", 864000, 5)
    return TokenIssuer(
        Codec(of_access, access, with_claims({"plan": str})),
        Codec(of_refresh, refresh, RefreshTokenClaims),
        LIVES,
        [lambda user_id: {"plan": f"the plan of {user_id}"}],
    )


def a_family(issuer: TokenIssuer, *, remembered: bool = False, jkt: str | None = None) -> Family:
    return issuer.new_family(USER, CLIENT, NOW, remembered=remembered, jkt=jkt)


def later(family: Family) -> Family:
    """Return the family as a rotation a minute later, and a retry after that, leave it."""
    rotated = replace(family, jti=new_id(), rotated_at=NOW + 60, idle_expires_at=NOW + 3660)
    return replace(rotated, last_used_at=NOW + 70)


def test_a_family_begins_now_with_nothing_spent(issuer: TokenIssuer) -> None:
    family = a_family(issuer)
    assert (family.user_id, family.ip, family.user_agent) == (USER, "192.0.2.1", "a browser")
    assert family.created_at == family.rotated_at == family.last_used_at == NOW
    assert family.burst_started_at == NOW
    assert (family.auth_time, family.amr) == (NOW, "pwd")
    assert (family.previous_jti, family.generation, family.retries) == (None, 0, 0)
    assert (family.revoked_at, family.revoked_reason, family.jkt) == (None, None, None)


def test_a_family_is_bound_to_the_key_of_the_log_in(issuer: TokenIssuer) -> None:
    """An unbound family would be bound by whoever refreshes first."""
    assert a_family(issuer, jkt=KEY).jkt == KEY


def test_each_family_and_each_token_has_an_id_of_its_own(issuer: TokenIssuer) -> None:
    families = [a_family(issuer) for _ in range(3)]
    ids = {one for family in families for one in (family.family_id, family.jti)}
    assert len(ids) == 6
    assert all(re.fullmatch(r"[\w-]{22}", one) for one in ids)


@pytest.mark.parametrize(
    ("remembered", "idle", "absolute"), [(False, 3600, 7200), (True, 86400, 864000)]
)
def test_a_family_lives_as_long_as_the_settings_say(
    issuer: TokenIssuer, *, remembered: bool, idle: int, absolute: int
) -> None:
    family = a_family(issuer, remembered=remembered)
    assert family.remembered is remembered
    assert (family.idle_expires_at, family.absolute_expires_at) == (NOW + idle, NOW + absolute)


def test_the_idle_end_never_passes_the_absolute_end(issuer: TokenIssuer) -> None:
    short = replace(issuer, lifetimes=replace(LIVES, absolute=1800))
    family = a_family(short)
    assert family.idle_expires_at == family.absolute_expires_at == NOW + 1800


def test_the_access_token_says_whose_session_it_is_and_since_when(issuer: TokenIssuer) -> None:
    """Its `iat` is the time of the last use, also after a retry."""
    family = later(a_family(issuer, jkt=KEY))
    token = issuer.issue(family, "ada@example.com").access_token
    claims = issuer.access.verify(token, NOW + 70)
    said = {name: getattr(claims, name) for name in AccessTokenClaims.__slots__}
    assert len(said.pop("jti")) == 22
    assert said == {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": USER,
        "sid": family.family_id,
        "iat": NOW + 70,
        "exp": NOW + 670,
        "auth_time": NOW,
        "amr": ("pwd",),
        "cnf": {"jkt": KEY},
    }
    assert getattr(claims, "plan", None) == f"the plan of {USER}"


def test_the_access_token_says_when_and_how_its_holder_was_known(issuer: TokenIssuer) -> None:
    """The last proof of identity counts, not the first."""
    family = replace(a_family(issuer), auth_time=NOW - 5, amr="pwd otp")
    claims = issuer.access.verify(issuer.issue(family, "ada@example.com").access_token, NOW)
    assert (claims.auth_time, claims.amr) == (NOW - 5, ("pwd", "otp"))


def test_a_row_of_a_former_release_was_proved_at_the_log_in(issuer: TokenIssuer) -> None:
    """During an update, a worker of that release inserts rows without `auth_time`."""
    family = replace(a_family(issuer), auth_time=0, created_at=NOW - 7)
    claims = issuer.access.verify(issuer.issue(family, "ada@example.com").access_token, NOW)
    assert claims.auth_time == NOW - 7


def test_an_unbound_access_token_names_no_key(issuer: TokenIssuer) -> None:
    """With `cnf` each client would be asked for a proof."""
    token = issuer.issue(a_family(issuer), "ada@example.com").access_token
    assert issuer.access.verify(token, NOW).cnf is None


def test_the_refresh_token_is_the_current_one_of_its_row(issuer: TokenIssuer) -> None:
    """Two tokens from the same row are equal, byte for byte."""
    family = later(a_family(issuer))
    tokens = [issuer.issue(family, "ada@example.com").refresh_token for _ in range(2)]
    assert tokens[0] == tokens[1]
    assert issuer.refresh.verify(tokens[0], NOW + 70) == RefreshTokenClaims(
        iss=ISSUER,
        aud=f"{ISSUER}/auth/refresh",
        sub=USER,
        family_id=family.family_id,
        jti=family.jti,
        iat=NOW + 60,
        exp=NOW + 3660,
    )


def test_two_access_tokens_of_one_row_differ(issuer: TokenIssuer) -> None:
    """Each has its own `jti` (RFC 9068)."""
    family = a_family(issuer)
    assert len({issuer.issue(family, "ada@example.com").access_token for _ in range(2)}) == 2


def test_no_access_token_outlives_its_family(issuer: TokenIssuer) -> None:
    """RFC 9700 section 4.14.2."""
    family = replace(a_family(issuer), absolute_expires_at=NOW + 100)
    pair = issuer.issue(family, "ada@example.com")
    assert issuer.access.verify(pair.access_token, NOW).exp == NOW + 100
    assert pair.expires_in == 100
    assert pair.session_expires_at == NOW + 100


def test_the_pair_tells_the_client_about_its_session(issuer: TokenIssuer) -> None:
    family = later(a_family(issuer))
    pair = issuer.issue(family, "ada@example.com", "a-mark")
    assert (pair.expires_in, pair.session_expires_at) == (600, NOW + 7200)
    assert (pair.session_id, pair.user_id) == (family.family_id, USER)
    assert (pair.email, pair.browser_mark) == ("ada@example.com", "a-mark")
    assert issuer.issue(family, "ada@example.com").browser_mark == ""


def test_the_pair_says_whether_requests_need_a_proof(issuer: TokenIssuer) -> None:
    pairs = [issuer.issue(a_family(issuer, jkt=jkt), "ada@example.com") for jkt in (None, KEY)]
    assert [pair.bound for pair in pairs] == [False, True]


def test_the_cookie_of_a_remembered_session_lasts_until_the_idle_end(issuer: TokenIssuer) -> None:
    family = later(a_family(issuer))
    remembered = replace(family, remembered=True)
    assert issuer.issue(family, "ada@example.com").cookie_max_age is None
    assert issuer.issue(remembered, "ada@example.com").cookie_max_age == 3660 - 70


def test_a_cookie_names_its_family_also_when_it_is_out_of_date(issuer: TokenIssuer) -> None:
    """A log-out or a new log-in ends that session."""
    family = replace(a_family(issuer), rotated_at=1000, idle_expires_at=2000)
    cookie = issuer.issue(family, "ada@example.com").refresh_token
    assert issuer.family_id_of(cookie) == family.family_id


def test_a_cookie_that_is_no_refresh_token_names_no_family(issuer: TokenIssuer) -> None:
    access_token = issuer.issue(a_family(issuer), "ada@example.com").access_token
    for cookie in (None, "", "rubbish", access_token):
        assert issuer.family_id_of(cookie) is None
