"""The form: one spelling, at most 2 kB."""

from collections.abc import Callable, Iterator
from functools import partial

from app.attacks.prover import base64url
from app.tokens.dpop import MAX_PROOF_LENGTH
from tests.support.forger import compact_json
from tests.vectors.proofs.maker import Case, Maker
from tests.vectors.spellings import (
    SEGMENTS,
    edged,
    filled,
    loose_end,
    serialised,
    spliced,
    standard_alphabet,
    swapped,
)


def longest(maker: Maker) -> str:
    """Return the longest signed proof that is still looked at; its padding is what is refused."""
    return [text for text in _padded(maker) if len(text) <= MAX_PROOF_LENGTH][-1]


def _too_long(maker: Maker) -> str:
    return next(text for text in _padded(maker) if len(text) > MAX_PROOF_LENGTH)


def _padded(maker: Maker) -> list[str]:
    """Return signed proofs around the limit of size, each a character of claims longer."""
    spare = (MAX_PROOF_LENGTH - len(maker.forge())) * 3 // 4
    sizes = range(spare - 16, spare + 4)
    return [maker.forge(claims=maker.claims() | {"pad": "x" * size}) for size in sizes]


def _one_left_over(segment: int, maker: Maker) -> str:
    """Return a segment a length that no bytes encode to, and sign that."""
    parts = [_whole(compact_json(maker.header())), _whole(compact_json(maker.claims()))]
    parts[segment] += "A"
    return maker.sign(".".join(parts))


def _whole(raw: bytes) -> str:
    return base64url(raw + b" " * (-len(raw) % 3))


WHOLE: dict[str, Callable[[Maker], str]] = {
    "empty": lambda _: "",
    "a-word": lambda _: "proof",
    "two-dots": lambda _: "..",
    "one-segment": lambda m: m.forge().split(".")[0],
    "two-segments": lambda m: m.forge().rpartition(".")[0],
    "four-segments": lambda m: m.forge() + ".AAAA",
    "five-segments": lambda m: m.forge() + ".AAAA.AAAA",
    "no-header": lambda m: "." + m.forge().partition(".")[2],
    "no-claims": lambda m: "{0}..{2}".format(*m.forge().split(".")),
    "no-signature": lambda m: m.forge().rpartition(".")[0] + ".",
    "two-proofs": lambda m: f"{m.forge()},{m.forge()}",
    "two-proofs-and-a-space": lambda m: f"{m.forge()}, {m.forge()}",
    "a-proof-after-nothing": lambda m: f", {m.forge()}",
    "a-scheme-before-it": lambda m: f"DPoP {m.forge()}",
    "standard-alphabet": standard_alphabet,
    "json-flattened": partial(serialised, "flattened"),
    "json-general": partial(serialised, "general"),
}


def forms() -> Iterator[Case]:
    for name, build in WHOLE.items():
        yield Case(f"form-{name}", "not_compact", build)
    for name, _, build in (*edged(), *filled()):
        yield Case(name, "not_compact", build)
    for at, segment in enumerate(SEGMENTS):
        padded = partial(spliced, at, lambda text: text + "=")
        yield Case(f"padding-behind-{segment}", "not_compact", padded)
        yield Case(f"loose-bits-in-{segment}", "not_canonical", partial(loose_end, at))
    yield Case("left-over-in-header", "not_canonical", partial(_one_left_over, 0))
    yield Case("left-over-in-claims", "not_canonical", partial(_one_left_over, 1))
    yield Case("a-character-too-long", "too_long", _too_long)
    yield Case("seven-kilobytes", "too_long", lambda m: m.forge(b'{"x":"%b"}' % (b"x" * 5000)))
    yield Case("seven-kilobytes-of-nothing", "too_long", lambda _: "A" * 7000)
    yield Case("segments-swapped", "header", swapped)
