"""Tokens of others, whole and well made."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from tests.support.forger import OTHER_SECRET, Forger
from tests.vectors.tokens.case import Case


def _elsewhere(secret: bytes, env: str, issuer: str, forger: Forger) -> str:
    there = replace(forger.settings, public_url=issuer or forger.settings.public_url)
    ring = forger.ring(secret, env, issuer)
    header = forger.header() | {"kid": ring.signing_kid}
    claims = replace(forger, settings=there).claims()
    return forger.forge(header, claims, ring.signing_key)


def others() -> Iterator[Case]:
    yield Case(
        "of-a-secret-no-longer-listed", "unknown_key", partial(_elsewhere, OTHER_SECRET, "", "")
    )
    for env in ("development", "staging", "production"):
        yield Case(f"of-{env}-same-secret", "unknown_key", partial(_elsewhere, b"", env, ""))
    yield Case(
        "of-another-issuer-same-secret",
        "unknown_key",
        partial(_elsewhere, b"", "", "https://other.example"),
    )
    yield Case("of-the-other-purpose", "type", lambda f: f.sibling.forge())
    yield Case("of-the-other-purpose-retyped", "unknown_key", _retyped)


def _retyped(forger: Forger) -> str:
    other = forger.sibling
    header = other.header() | {"typ": forger.typ}
    return other.forge(header=header)
