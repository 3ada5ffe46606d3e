"""A proof that was used: its number is what is remembered."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial

from tests.support.forger import compact_json
from tests.vectors.proofs.claims import nonce_at
from tests.vectors.proofs.maker import Case, Maker
from tests.vectors.proofs.signature import twin
from tests.vectors.spellings import claims_with


def _numbered(name: str, maker: Maker) -> Maker:
    return replace(maker, jti=f"used-before-{name}-{maker.method}")


def _used(name: str, maker: Maker) -> str:
    """Return the same text each time: ECDSA signs the same words differently."""
    return _kept(name, _numbered(name, maker))


@cache
def _kept(_name: str, maker: Maker) -> str:
    return maker.forge()


def reordered(maker: Maker) -> str:
    return maker.forge(claims=dict(reversed(maker.claims().items())))


def spaced(maker: Maker) -> str:
    return maker.forge(claims=json.dumps(maker.claims(), indent=1).encode())


def another_nonce(maker: Maker) -> str:
    """Carry the nonce of a machine whose clock is ahead."""
    return claims_with({"nonce": nonce_at(maker, maker.now + 8)}, maker)


AGAIN: dict[str, Callable[[Maker], str]] = {
    "signed-again": lambda m: m.forge(),
    "another-time": lambda m: claims_with({"iat": m.now + 1}, m),
    "another-nonce": another_nonce,
    "reordered": reordered,
    "spaced": spaced,
    "header-reordered": lambda m: m.forge(header=dict(reversed(m.header().items()))),
    "escaped": lambda m: m.forge(
        claims=compact_json(m.claims()).replace(b'"used', b'"\\u0075sed')
    ),
}


def _again(name: str, maker: Maker) -> str:
    return AGAIN[name](_numbered(name, maker))


def replays() -> Iterator[Case]:
    exact = partial(_used, "exact")
    yield Case("replayed", "replayed", exact, first=exact)
    high = partial(_used, "twin")
    yield Case("replayed-with-the-twin-signature", "replayed", lambda m: twin(high(m)), first=high)
    for name in AGAIN:
        first = partial(_used, name)
        yield Case(f"replayed-{name}", "replayed", partial(_again, name), first=first)
