"""The form: one spelling, at most 4 kB."""

from collections.abc import Iterator
from functools import partial

from app.tokens.keys import derive
from tests.support.forger import Forger, compact_json, encode
from tests.vectors.spellings import (
    SEGMENTS,
    edged,
    filled,
    loose_end,
    serialised,
    spliced,
    standard_alphabet,
)
from tests.vectors.tokens.case import Case


def _padded(size: int, forger: Forger) -> str:
    """Return a signed token of exactly `size` characters, by a claim of the right length."""
    for length in range(size):
        token = forger.forge(claims=forger.claims() | {"pad": "x" * (size * 3 // 4 - length)})
        if len(token) == size:
            return token
    raise AssertionError(size)


def _digits(forger: Forger) -> str:
    """Spell the digits of a good token in Arabic-Indic, which Python also calls digits."""
    return forger.forge().translate({ord("0") + n: chr(0x660 + n) for n in range(10)})


def forms() -> Iterator[Case]:
    for name, char, build in edged():
        yield Case(name, "not_compact", build, cookie=char in {",", "."})
    for name, char, build in filled():
        yield Case(name, "not_compact", build, cookie=char.isascii())
    yield Case("non-ascii-digits", "not_compact", _digits)
    yield Case("standard-base64-alphabet", "not_compact", standard_alphabet)
    yield Case("one-equals-sign", "not_compact", lambda f: f.forge() + "=")
    yield Case("two-equals-signs", "not_compact", lambda f: f.forge() + "==")
    yield Case("quoted", "not_compact", lambda f: f'"{f.forge()}"', cookie=False)
    yield Case("empty", "not_compact", lambda _: "")
    yield Case("two-dots", "not_compact", lambda _: "..")
    yield Case("a-word", "not_compact", lambda _: "undefined")
    yield Case("one-segment", "not_compact", lambda f: f.forge().split(".")[0])
    yield Case("two-segments", "not_compact", lambda f: f.forge().rpartition(".")[0])
    yield Case("four-segments", "not_compact", lambda f: f.forge() + ".AAAA")
    yield Case("empty-header", "not_compact", partial(spliced, 0, lambda _: ""))
    yield Case("empty-claims", "not_compact", partial(spliced, 1, lambda _: ""))
    yield Case("empty-signature", "not_compact", partial(spliced, 2, lambda _: ""))
    yield Case("jwe-five-segments", "not_compact", _jwe)
    yield Case("json-flattened", "not_compact", partial(serialised, "flattened"), cookie=False)
    yield Case("json-general", "not_compact", partial(serialised, "general"), cookie=False)
    yield Case("two-tokens-with-comma", "not_compact", lambda f: f"{f.forge()},{f.forge()}")
    yield Case("device-mark", "not_compact", _device_mark)
    yield Case("one-byte-too-long", "too_long", partial(_padded, 4097))
    yield Case("a-megabyte", "too_long", lambda f: f.forge(claims={"x": "y" * 2**20}))
    yield Case("a-megabyte-of-nothing", "too_long", lambda _: "A" * 2**20)
    for at, segment in enumerate(SEGMENTS):
        yield Case(f"loose-bits-in-{segment}", "not_canonical", partial(loose_end, at))
        build = partial(spliced, at, lambda s: s[: len(s) // 4 * 4] + "A")
        yield Case(f"impossible-length-of-{segment}", "not_canonical", build)


def _jwe(forger: Forger) -> str:
    header = {"alg": "dir", "enc": "A256GCM", "typ": forger.typ}
    return ".".join([encode(compact_json(header)), "", *(encode(b"x" * 16) for _ in range(3))])


def _device_mark(forger: Forger) -> str:
    from app.accounts.known_browsers import KnownBrowsers  # noqa: PLC0415 - the one case that needs it
    from app.accounts.models import User  # noqa: PLC0415

    s = forger.settings
    key = derive(s.jwt_secret, env=s.env, issuer=s.public_url, purpose="device")
    ada = User("a" * 22, "ada@example.com", "", 0, 0, None, None)
    return KnownBrowsers(key).renew("", ada, forger.now)
