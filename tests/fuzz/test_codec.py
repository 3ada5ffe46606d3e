import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from string import ascii_lowercase
from typing import Any, Final

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from app.infra.clock import Clock
from app.services import build
from app.tokens.claims import AccessTokenClaims, RefreshTokenClaims
from app.tokens.codec import Codec
from app.tokens.jws import TokenRefused
from config import Settings
from tests.fuzz.effort import SECONDS, effort
from tests.fuzz.forms import ALPHABET, json_object, respelled, texts, unpacked, written
from tests.support.forger import ACCESS, REFRESH, Forger

pytestmark = pytest.mark.timeout(SECONDS)

NOW: Final = 1_800_000_000
LEEWAY: Final = 5
SECRETS: Final = [hashlib.sha256(b"%d" % number).hexdigest() for number in range(3)]
ENVIRONMENT: Final = {
    "APP_ENV": "testing",
    "PUBLIC_URL": "https://localhost",
    "JWT_SECRET": SECRETS[0],
    "JWT_SECRET_PREVIOUS": SECRETS[1],
    "SECRET_KEY": SECRETS[2],
    "DATABASE_URL": "sqlite:////nowhere/latchkey.db",  # nobody asks it, nor Redis
    "REDIS_URL": "unix:///nowhere",
}
SETTINGS: Final = Settings.from_env(ENVIRONMENT)
FORMER: Final = Settings.from_env(
    ENVIRONMENT | {"JWT_SECRET": SECRETS[1], "JWT_SECRET_PREVIOUS": ""}
)
PROCESSES: Final = {"today": SETTINGS, "former": FORMER}
REASONS: Final = {
    *("too_long", "not_compact", "not_canonical", "not_json", "header", "algorithm", "type"),
    *("kid", "unknown_key", "signature", "audience", "issuer", "claims", "claim_type"),
    *("claim_value", "times", "lifetime", "expired", "issued_in_future"),
}


@dataclass(frozen=True)
class Contract:
    """What tokens of one type must say; `keys` are by `kid`, times are seconds."""

    typ: str
    audience: str
    names: dict[str, type]
    max_lifetime: int
    binds: bool
    keys: Mapping[str, bytes]

    def says(self, token: str) -> dict[str, Any] | None:
        """Return the claims of a token that is right in all but the time, else None."""
        try:
            head, body, tail = token.split(".")
            header, claims, mac = (
                json_object(unpacked(head)),
                json_object(unpacked(body)),
                unpacked(tail),
            )
        except (ValueError, RecursionError):
            return None
        kid = header.get("kid")
        keys = [key for name, key in self.keys.items() if name == kid]
        right = (
            len(token) <= 4096
            and header == {"alg": "HS256", "typ": self.typ, "kid": kid}
            and [hmac.digest(key, f"{head}.{body}".encode(), "sha256") for key in keys] == [mac]
            and self._right(claims)
        )
        return claims if right else None

    def _right(self, claims: dict[str, Any]) -> bool:
        kinds = {name: type(value) for name, value in claims.items()}
        may: dict[str, type] = {"cnf": dict, "amr": list} if self.binds else {}
        if kinds != self.names | {name: kind for name, kind in may.items() if name in claims}:
            return False
        ids = [claims[name] for name in ("sub", "sid", "family_id", "jti") if name in claims]
        signed, issued, ends = claims.get("auth_time", claims["iat"]), claims["iat"], claims["exp"]
        return (
            claims["iss"] == "https://localhost"
            and claims["aud"] == self.audience
            and all(16 <= len(one) <= 64 and set(one) <= set(ALPHABET) for one in ids)
            and ("cnf" not in claims or is_confirmation(claims["cnf"]))
            and ("amr" not in claims or are_methods(claims["amr"]))
            and 0 < signed <= issued < ends < 2**40
            and ends - issued <= self.max_lifetime
        )

    def says_at(self, token: str, now: int) -> dict[str, Any] | None:
        """Return the claims of a token that is right, also in its times."""
        claims = self.says(token)
        timely = claims and claims["iat"] - LEEWAY <= now < claims["exp"] + LEEWAY
        return claims if timely else None


def is_confirmation(value: dict[str, Any]) -> bool:
    """Tell whether it names the thumbprint of one key, and nothing else."""
    jkt = value.get("jkt")
    return (
        len(value) == 1 and isinstance(jkt, str) and len(jkt) == 43 and set(jkt) <= set(ALPHABET)
    )


def are_methods(value: list[Any]) -> bool:
    """Tell whether it is one to eight names of two to eight small letters, each once."""
    texts = [one for one in value if isinstance(one, str)]
    small = all(2 <= len(one) <= 8 and set(one) <= set(ascii_lowercase) for one in texts)
    return small and 0 < len(set(texts)) == len(value) <= 8


def _names(family: str, *times: str) -> dict[str, type]:
    return dict.fromkeys(("iss", "aud", "sub", family, "jti"), str) | dict.fromkeys(times, int)


def _keys(purpose: str) -> dict[str, bytes]:
    """Return the keys of a purpose, the one that signs first."""
    rings = [Forger(settings, purpose, NOW).ring() for settings in (SETTINGS, FORMER)]
    return {ring.signing_kid: ring.signing_key for ring in rings}


MINT: Final = build(SETTINGS, Clock()).auth.issuer
CODECS: Final[dict[str, Codec[Any]]] = {ACCESS: MINT.access, REFRESH: MINT.refresh}
CONTRACTS: Final = {
    ACCESS: Contract(
        "at+jwt",
        "https://localhost/api",
        _names("sid", "iat", "exp", "auth_time"),
        600,
        binds=True,
        keys=_keys(ACCESS),
    ),
    REFRESH: Contract(
        "rt+jwt",
        "https://localhost/auth/refresh",
        _names("family_id", "iat", "exp"),
        30 * 86400,
        binds=False,
        keys=_keys(REFRESH),
    ),
}
KEYS: Final = {
    purpose: [*_keys(purpose).values(), *_keys(other).values(), b""]
    for purpose, other in ((ACCESS, REFRESH), (REFRESH, ACCESS))
}

REFRESH_TIMES: Final = {"iat": NOW, "exp": NOW + 600}
TIMES: Final = {ACCESS: REFRESH_TIMES | {"auth_time": NOW}, REFRESH: REFRESH_TIMES}

purposes: Final = st.sampled_from([ACCESS, REFRESH])
ids: Final = st.text(st.sampled_from(ALPHABET), min_size=16, max_size=64)
methods: Final = st.text(st.sampled_from(ascii_lowercase), min_size=2, max_size=8)
# Around every limit that a time may have.
moments: Final = st.one_of(
    st.integers(-10, 10).map(lambda off: NOW + off),
    st.integers(-10, 10).map(lambda off: NOW + 600 + off),
    st.sampled_from([0, -1, NOW - 10**6, NOW + 31 * 86400, 2**40, 2**70]),
)


@st.composite
def claims_of(draw: DrawFn, purpose: str) -> dict[str, Any]:
    """Return good claims, mostly, with times around each of their limits."""
    contract = CONTRACTS[purpose]
    longest = contract.max_lifetime
    iat = draw(st.sampled_from([NOW] * 9 + [1, 2**40 - 600, 0]))
    life = draw(st.sampled_from([600] * 9 + [1, 0, longest, longest + 1]))
    said: dict[str, Any] = {"iss": "https://localhost", "aud": contract.audience}
    said |= {name: draw(ids) for name in contract.names if name not in said}
    said |= {"iat": iat, "exp": iat + life}
    if contract.binds:
        said["auth_time"] = iat - draw(st.sampled_from([0] * 9 + [1000, -1]))
        if draw(st.booleans()):
            said["cnf"] = {
                "jkt": draw(st.text(st.sampled_from(ALPHABET), min_size=43, max_size=43))
            }
        if draw(st.booleans()):
            said["amr"] = draw(st.lists(methods, min_size=1, max_size=8, unique=True))
    return said


@st.composite
def tokens(draw: DrawFn, purpose: str) -> str:
    """Return a token that is right, or wrong in a few ways, signed with a real key or another."""
    kids = [*CONTRACTS[purpose].keys]
    kid = draw(st.sampled_from([kids[0]] * 9 + [kids[1], "k" * 12]))
    keys = KEYS[purpose]

    def sign(signed: str, number: int) -> bytes:
        at = number if number or kid == "k" * 12 else kids.index(kid)
        return hmac.digest(keys[at], signed.encode("utf-8", "surrogatepass"), "sha256")

    typ = CONTRACTS[purpose].typ
    header = {"alg": "HS256", "typ": typ, "kid": kid}
    return draw(written(header, draw(claims_of(purpose)), sign))


def mint(purpose: str, said: dict[str, Any]) -> str:
    """Sign a token that says this."""
    kind = AccessTokenClaims if purpose == ACCESS else RefreshTokenClaims
    return CODECS[purpose].sign(kind(**said))


def read(purpose: str, token: str, now: int, codec: Codec[Any] | None = None) -> tuple[str, Any]:
    """Read a token; return the reason, if any, and the claims, if any.

    Nothing but a refusal may come out of it, whatever the text.
    """
    try:
        claims = asdict((codec or CODECS[purpose]).verify(token, now))
    except TokenRefused as refused:
        return refused.reason, None
    return "", as_json(claims)


def as_json(claims: dict[str, Any]) -> dict[str, Any]:
    """Return claims as they are in a token: without absent ones, tuples as lists."""
    present = {name: value for name, value in claims.items() if value is not None}
    return {n: list(value) if type(value) is tuple else value for n, value in present.items()}


def test_a_signed_token_is_read_if_it_is_exactly_right() -> None:
    """Whatever the real keys sign is read or refused as the contract says; each refusal is met."""
    reached = set()

    @effort(1100)
    @given(data=st.data(), purpose=purposes, now=moments)
    def run(data: st.DataObject, purpose: str, now: int) -> None:
        token = data.draw(tokens(purpose))
        reason, claims = read(purpose, token, now)
        assert claims == CONTRACTS[purpose].says_at(token, now)
        assert bool(reason) == (claims is None)
        assert read(purpose, token, now) == (reason, claims)
        event(reason or "read")
        reached.add(reason)

    run()
    assert reached == REASONS | {""}


@effort(150)
@given(
    data=st.data(), purpose=purposes, iat=st.integers(1000, 2**40 - 1000), life=st.integers(1, 600)
)
def test_a_token_is_read_in_its_time(
    data: st.DataObject, purpose: str, iat: int, life: int
) -> None:
    """From the leeway before `iat` to the leeway behind `exp`, to the second, in any order."""
    times = {"iat": iat, "exp": iat + life} | ({"auth_time": iat} if purpose == ACCESS else {})
    minted = mint(purpose, data.draw(claims_of(purpose)) | times)
    limits = (iat - LEEWAY, iat + life + LEEWAY)
    asked = data.draw(st.permutations([limit + off for limit in limits for off in (-1, 0)]))
    assert {now for now in asked if not read(purpose, minted, now)[0]} == {
        limits[0],
        limits[1] - 1,
    }
    for now in data.draw(st.lists(st.integers(iat - 1000, iat + 2000))):
        assert (read(purpose, minted, now)[1] is not None) == (limits[0] <= now < limits[1])


@effort(400)
@given(data=st.data(), purpose=purposes)
def test_a_token_has_one_spelling(data: st.DataObject, purpose: str) -> None:
    """Of a minted token no other spelling is read, whether the token was read before or not."""
    said = data.draw(claims_of(purpose)) | TIMES[purpose]
    minted = mint(purpose, said)
    if data.draw(st.booleans(), label="read before"):
        assert read(purpose, minted, NOW) == ("", said)
    other = data.draw(respelled(minted))
    if other != minted:
        reason, claims = read(purpose, other, NOW)
        assert reason
        assert claims is None
    assert read(purpose, minted, NOW) == ("", said)


@effort(300)
@given(data=st.data(), order=st.permutations(range(6)))
def test_segments_of_two_tokens_make_no_third(data: st.DataObject, order: list[int]) -> None:
    """Put together from several good tokens, also of both types, it is one of them or refused."""
    good = [
        mint(purpose, data.draw(claims_of(purpose)) | TIMES[purpose])
        for purpose in (ACCESS, REFRESH)
    ]
    segments = ".".join(good).split(".")
    mixed = ".".join(segments[at] for at in order[:3])
    for purpose, token in zip((ACCESS, REFRESH), good, strict=True):
        assert (read(purpose, mixed, NOW)[1] is not None) == (mixed == token)


@effort(300)
@given(text=texts, purpose=purposes, now=moments)
def test_any_text_is_refused(text: str, purpose: str, now: int) -> None:
    """No text that nobody signed is read, and none raises anything but a refusal."""
    assert read(purpose, text, now)[0]
    assert read(purpose, f"{text}.{text}.{text}", now)[0]


@effort(80)
@given(data=st.data())
def test_what_is_remembered_answers_as_what_is_not(data: st.DataObject) -> None:
    """Read in any order, at any time, by processes of different keys: memory changes no answer."""
    minters = {name: build(settings, Clock()).auth.issuer for name, settings in PROCESSES.items()}
    known = [data.draw(tokens(purpose)) for purpose in (ACCESS, REFRESH, ACCESS)]
    for _ in range(data.draw(st.integers(2, 12))):
        token, now = data.draw(st.sampled_from(known)), data.draw(moments)
        name, purpose = data.draw(st.sampled_from(sorted(PROCESSES))), data.draw(purposes)
        codec: Codec[Any] = getattr(minters[name], purpose.split()[0])
        contract = CONTRACTS[purpose]
        if name == "former":  # it has not heard of the newer secret
            contract = replace(contract, keys=dict([*contract.keys.items()][1:]))
        assert read(purpose, token, now, codec)[1] == contract.says_at(token, now)
        assert family_of(codec, token) == contract.says(token)


def family_of(codec: Codec[Any], token: str) -> dict[str, Any] | None:
    """Read a token as logging out does, which may be out of date."""
    try:
        claims = asdict(codec.verify_ignoring_times(token))
    except TokenRefused:
        return None
    return as_json(claims)
