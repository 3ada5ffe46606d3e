"""Hostile proofs: over three hundred, each with its name, how it is made, and why it is refused.

They are signed with a real key, by hand, so that nothing is wrong with a proof but the one thing
it is named after. Each is refused twice: where proofs are read, for exactly the reason given
here, and over HTTP, where it neither opens nor ends anything.
"""

from collections.abc import Callable
from functools import partial

from app.tokens.dpop import MAX_SKEW_SECONDS
from tests.vectors.proofs.claims import claim_names, claim_values, requests
from tests.vectors.proofs.form import forms
from tests.vectors.proofs.header import headers
from tests.vectors.proofs.key import keys
from tests.vectors.proofs.maker import Case, Maker
from tests.vectors.proofs.replay import AGAIN, another_nonce, reordered, replays, spaced
from tests.vectors.proofs.signature import signatures, twin
from tests.vectors.proofs.text import json_forms
from tests.vectors.spellings import claims_bytes, claims_with


def at_door(door: str) -> list[Case]:
    return [case for case in CASES if case.only in {"", door}]


# RFC 9449 section 4.3: `htu` is compared "ignoring any query and fragment parts".
IGNORED_ENDS = {
    "query": "?x=1",
    "empty-query": "?",
    "fragment": "#x",
    "empty-fragment": "#",
    "query-and-fragment": "?x=1#y",
    "fragment-with-a-question-mark": "#x?y=1",
    "query-of-a-url": "?next=https://evil.example/%2F",
}


def _with_end(end: str, maker: Maker) -> str:
    return claims_with({"htu": f"{maker.url}{end}"}, maker)


GOOD: dict[str, Callable[[Maker], str]] = {
    "plain": lambda m: m.forge(),
    "an-hour-behind": lambda m: claims_with({"iat": m.now - 3600}, m),
    "an-hour-ahead": lambda m: claims_with({"iat": m.now + 3600}, m),
    "a-day-behind": lambda m: claims_with({"iat": m.now - MAX_SKEW_SECONDS}, m),
    "a-day-ahead": lambda m: claims_with({"iat": m.now + MAX_SKEW_SECONDS}, m),
    "another-nonce": another_nonce,
    "shortest-number": lambda m: claims_with({"jti": m.jti[-8:]}, m),
    "longest-number": lambda m: claims_with({"jti": (m.jti * 128)[:128]}, m),
    "number-of-all-signs": lambda m: claims_with({"jti": f"{m.jti}_.~-"}, m),
    "other-signature": lambda m: twin(m.forge()),
    "reordered": reordered,
    "spaced": spaced,
    "header-reordered": AGAIN["header-reordered"],
    "escaped-letters": lambda m: claims_bytes(
        lambda raw: raw.replace(b"localhost", b"l\\u006fcalhost"), m
    ),
    **{f"htu-with-{name}": partial(_with_end, end) for name, end in IGNORED_ENDS.items()},
}

CASES: tuple[Case, ...] = (
    *forms(),
    *json_forms(),
    *headers(),
    *keys(),
    *signatures(),
    *claim_names(),
    *requests(),
    *claim_values(),
    *replays(),
)
