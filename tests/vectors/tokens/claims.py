"""The claims: all of them, no others, of the right type and value."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from tests.support.forger import ACCESS, REFRESH, Forger
from tests.vectors.spellings import claim_changed, claim_raw, claims_with, claims_without
from tests.vectors.tokens.case import Case

NOT_A_TEXT: dict[str, Any] = {
    "true": True,
    "number": 7,
    "float": 1.5,
    "negative": -1,
    "list": ["x"],
    "object": {"x": 1},
}

NOT_AN_INTEGER: dict[str, Any] = {
    "true": True,
    "false": False,
    "text": "1800000000",
    "float": 1800000000.0,
    "list": [1800000000],
    "empty-list": [],
    "object": {},
    "empty-text": "",
}

# Which claim's type PyJWT looks at itself, and what its refusal is called here.
TYPE_REASONS = {"iss": "issuer", "aud": "audience", "sub": "claims", "jti": "claims"}

BAD_IDS = {
    "empty": "",
    "too-short": "x" * 15,
    "too-long": "x" * 65,
    "3000-characters": "x" * 2000,
    "with-space": "x" * 20 + " ",
    "with-newline": "x" * 20 + "\n",
    "with-nul": "x" * 20 + "\0",
    "with-slash": "x" * 20 + "/",
    "non-ascii": "x" * 20 + "\u0661",
    "lone-surrogate": "x" * 20 + "\ud800",
    "redis-glob": "x" * 20 + "*",
}


def family_claims() -> Iterator[Case]:
    for only, name in ((ACCESS, "sid"), (REFRESH, "family_id")):
        for what, value in NOT_A_TEXT.items():
            build = partial(claims_with, {name: value})
            yield Case(f"{name}-{what}", "claim_type", build, only)
        for what, text in BAD_IDS.items():
            build = partial(claims_with, {name: text})
            yield Case(f"{name}-{what}", "claim_value", build, only)
        yield Case(f"{name}-missing", "claims", partial(claims_without, name), only)
        yield Case(f"{name}-null", "claims", partial(claims_with, {name: None}), only)


def text_claims() -> Iterator[Case]:
    for name, reason in TYPE_REASONS.items():
        for what, value in NOT_A_TEXT.items():
            yield Case(f"{name}-{what}", reason, partial(claims_with, {name: value}))
        yield Case(f"{name}-missing", "claims", partial(claims_without, name))
        yield Case(f"{name}-null", "claims", partial(claims_with, {name: None}))
    for name in ("sub", "jti"):
        for what, text in BAD_IDS.items():
            yield Case(f"{name}-{what}", "claim_value", partial(claims_with, {name: text}))


def time_claims(name: str, only: str = "") -> Iterator[Case]:
    for what, value in NOT_AN_INTEGER.items():
        yield Case(f"{name}-{what}", "claim_type", partial(claims_with, {name: value}), only)
    for what, raw in (("1e400", b"1e400"), ("1e9", b"1e9"), ("negative-zero", b"-0.0")):
        yield Case(f"{name}-{what}", "claim_type", partial(claim_raw, name, raw), only)
    for what, number in (("zero", 0), ("negative", -1), ("of-4000-bits", 2**4000)):
        yield Case(f"{name}-{what}", "times", partial(claims_with, {name: number}), only)
    for word in (b"NaN", b"Infinity", b"-Infinity"):
        build = partial(claim_raw, name, word)
        yield Case(f"{name}-{word.decode()}", "not_json", build, only)
    yield Case(f"{name}-missing", "claims", partial(claims_without, name), only)
    yield Case(f"{name}-null", "claims", partial(claims_with, {name: None}), only)


NO_METHODS: dict[str, Any] = {
    "text": "pwd",
    "number": 1,
    "object": {"pwd": True},
    "null": None,
    "empty-list": [],
    "list-in-list": [["pwd"]],
    "number-in-list": [1],
    "null-in-list": [None],
    "upper-case": ["PWD"],
    "with-space": ["pwd otp"],
    "twice": ["pwd", "pwd"],
    "one-letter": ["p"],
    "nine-letters": ["passwords"],
    "non-ascii": ["pw\u0501"],
    "lone-surrogate": ["pw\ud800"],
    "nine": [letter * 2 for letter in "abcdefghi"],
}


def method_claims() -> Iterator[Case]:
    for what, value in NO_METHODS.items():
        yield Case(f"amr-{what}", "claim_type", partial(claims_with, {"amr": value}), ACCESS)


EXTRA_CLAIMS: dict[str, dict[str, Any]] = {
    "nbf-future": {"nbf": 2**33},
    "nbf-past": {"nbf": 1},
    "admin": {"admin": True},
    "scope": {"scope": "openid"},
    "azp": {"azp": "someone"},
    "client-id": {"client_id": "someone"},
    "empty-name": {"": 1},
    "prototype": {"__proto__": {}},
}

WRONG_ISSUERS: dict[str, Callable[[str], Any]] = {
    "other": lambda _: "https://other.example",
    "empty": lambda _: "",
    "trailing-slash": lambda ours: ours + "/",
    "prefix": lambda ours: ours[:-1],
    "prolonged": lambda ours: ours + ".attacker.example",
    "upper-case": lambda ours: ours.upper(),
    "http": lambda ours: ours.replace("https:", "http:"),
    "with-port": lambda ours: ours + ":443",
    "with-space": lambda ours: ours + " ",
    "list-with-ours": lambda ours: [ours],
}

WRONG_AUDIENCES: dict[str, Callable[[str], Any]] = {
    "other": lambda _: "https://other.example/api",
    "issuer": lambda _: "https://localhost",
    "trailing-slash": lambda ours: ours + "/",
    "prefix": lambda ours: ours[:-1],
    "prolonged": lambda ours: ours + "2",
    "upper-case": lambda ours: ours.upper(),
    "list-of-ours": lambda ours: [ours],
    "list-with-ours-first": lambda ours: [ours, "https://other.example"],
    "list-with-ours-last": lambda ours: ["https://other.example", ours],
    "object-with-ours": lambda ours: {ours: 1},
    "both-in-one-text": lambda ours: f"{ours} https://other.example",
}


def claim_values() -> Iterator[Case]:
    for name, added in EXTRA_CLAIMS.items():
        yield Case(f"extra-claim-{name}", "claims", partial(claims_with, added))
    yield Case("extra-claim-of-the-sibling", "claims", _both_family_claims)
    yield Case("no-claims", "claims", lambda f: f.forge(claims={}))
    yield Case("claims-of-the-sibling", "claims", lambda f: f.forge(claims=f.sibling.claims()))
    for name, change in WRONG_ISSUERS.items():
        yield Case(f"iss-{name}", "issuer", partial(claim_changed, "iss", change))
    for name, change in WRONG_AUDIENCES.items():
        yield Case(f"aud-{name}", "audience", partial(claim_changed, "aud", change))
    yield Case(
        "aud-of-the-sibling",
        "audience",
        lambda f: claims_with({"aud": f.sibling.claims()["aud"]}, f),
    )
    nothings: dict[str, Any] = {"empty-list": [], "empty-text": "", "zero": 0, "false": False}
    for name, nothing in nothings.items():
        yield Case(f"aud-{name}", "claims", partial(claims_with, {"aud": nothing}))


def _both_family_claims(forger: Forger) -> str:
    return claims_with({forger.sibling.family_claim: forger.family}, forger)


def _shifted(forger: Forger, iat: int, exp: int) -> str:
    """Move both times, relative to now; the password was given at `iat`."""
    times = {"iat": forger.now + iat, "exp": forger.now + exp}
    if forger.purpose == ACCESS:
        times["auth_time"] = times["iat"]
    return claims_with(times, forger)


def times() -> Iterator[Case]:
    def leeway(forger: Forger) -> int:
        return forger.settings.clock_leeway

    yield Case("expired-long-ago", "expired", lambda f: _shifted(f, -600, -100))
    yield Case("expired-just-past-leeway", "expired", lambda f: _shifted(f, -600, -leeway(f)))
    yield Case(
        "issued-just-past-leeway", "issued_in_future", lambda f: _shifted(f, leeway(f) + 1, 500)
    )
    yield Case("issued-tomorrow", "issued_in_future", lambda f: _shifted(f, 86400, 86900))
    yield Case("exp-equals-iat", "times", lambda f: _shifted(f, 0, 0))
    yield Case("exp-before-iat", "times", lambda f: _shifted(f, 0, -1))
    yield Case("exp-at-the-end-of-time", "times", partial(claims_with, {"exp": 2**40}))
    yield Case("exp-beyond-64-bits", "times", partial(claims_with, {"exp": 2**64}))
    yield Case("lives-a-second-too-long", "lifetime", lambda f: _shifted(f, 0, f.max_lifetime + 1))
    yield Case("lives-for-a-century", "lifetime", lambda f: _shifted(f, 0, 100 * 365 * 86400))
    yield Case("auth-time-after-iat", "times", _late_password, ACCESS)


def _late_password(forger: Forger) -> str:
    return claims_with({"auth_time": forger.now + 1}, forger)
