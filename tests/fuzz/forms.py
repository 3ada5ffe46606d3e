"""Ways to write a JWS wrongly, and harmless ways to write it otherwise: tokens and proofs alike.

What is drawn is mostly one step away from what is right, so that it gets past the first checks
and meets the last ones too.
"""

import base64
import json
from collections.abc import Callable, Mapping
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.support.forger import encode

Members = list[tuple[str, Any]]

ALPHABET: Final = ascii_uppercase + ascii_lowercase + digits + "-_"
# Letters that look like those of the alphabet or fold to them, and digits to Python alone.
LOOK_ALIKES: Final = "\u0430\u0435\uff21\uff41\u0131\u017f\u212a\u0660\uff10\u2010\u203f\uff0e"
STRANGE: Final = " \t\r\n\0=+/.,;%~\"'{}\xa0\u200b\ufeff\ud800\udfff\U0001f511" + LOOK_ALIKES
STAGES: Final = (
    *("header",) * 3,
    *("claims",) * 5,
    *("header json", "claims json", "packed", "key", "sent"),
)
HOW_MANY: Final = (0, 1, 1, 1, 1, 2, 3)

chars: Final = st.sampled_from(ALPHABET + STRANGE) | st.characters()
texts: Final = st.text(st.sampled_from(ALPHABET + STRANGE), max_size=70) | st.text(max_size=20)
numbers: Final = (
    st.integers(-(2**70), 2**70)
    | st.sampled_from([0, 1, -1, 2**31, 2**40 - 1, 2**40, 2**53, 2**63])
    | st.floats()
)
values: Final = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


@st.composite
def written(
    draw: DrawFn,
    header: Mapping[str, Any],
    claims: Mapping[str, Any],
    sign: Callable[[str, int], bytes],
) -> str:
    """Write and sign two objects, and do up to three things to them that a forger might do.

    `sign` takes what is signed and the number of the key: 0 is the right one.
    """
    count = draw(st.sampled_from(HOW_MANY))
    stages = draw(st.lists(st.sampled_from(STAGES), min_size=count, max_size=count))
    segments = []
    for name, members in (("header", list(header.items())), ("claims", list(claims.items()))):
        for _ in range(stages.count(name)):
            draw(member_edits(members))
        raw = _object(members)
        segments.append(draw(rewritten(raw)) if f"{name} json" in stages else raw)
    signed = ".".join(encode(segment) for segment in segments)
    if "packed" in stages:
        signed = draw(respelled(signed))
    key = draw(st.integers(0, 4)) if "key" in stages else 0
    text = f"{signed}.{encode(sign(signed, key))}"
    return draw(respelled(text)) if "sent" in stages else text


def _object(members: Members) -> bytes:
    # By hand: a forger may name a member twice.
    pairs = (f"{json.dumps(name)}:{json.dumps(value)}" for name, value in members)
    return f"{{{','.join(pairs)}}}".encode()


@st.composite
def member_edits(draw: DrawFn, members: Members) -> None:
    """Change, drop, add, repeat or reorder members of an object."""
    kinds = ["near"] * 5 + ["other", "other", "drop", "add", "twice", "order"]
    kind = draw(st.sampled_from(kinds))
    if kind == "add" or not members:
        members.append((draw(texts), draw(values)))
        return
    at = draw(st.integers(0, len(members) - 1))
    name, value = members[at]
    if kind == "order":
        members.append(members.pop(at))
    elif kind == "drop":
        members.pop(at)
    elif kind == "twice":
        members.append((name, draw(st.just(value) | near(value))))
    else:
        members[at] = (name, draw(near(value) if kind == "near" else values))


@st.composite
def near(draw: DrawFn, value: object) -> object:
    """Return a value that is almost this one, and now and then this one."""
    others: list[Any]
    if isinstance(value, str):
        others = [value.swapcase(), value * 3, "", value[:4], value + "\n", [value], {"": value}]
        return draw(respelled(value) | st.sampled_from(others))
    if isinstance(value, int):
        others = [float(value), str(value), -value, bool(value), [value], value - 86400]
        return draw(st.integers(value - 2, value + 2) | st.sampled_from(others))
    if isinstance(value, dict):
        members: Members = list(value.items())
        draw(member_edits(members))
        return dict(members)
    return draw(values)


@st.composite
def rewritten(draw: DrawFn, raw: bytes) -> bytes:
    """Write a JSON object otherwise, harmlessly or not."""
    forms = [
        raw.replace(b":", b" :\n").replace(b",", b"\t, ") + b" ",
        raw.replace(b'"a', b'"\\u0061').replace(b'"i', b'"\\u0069'),
        raw.decode().encode("utf-16"),
        b"\xef\xbb\xbf" + raw,
        raw[:-1],
        raw + b"{}",
        raw + b"\0",
        raw[:-1] + b",}",
        b"[" + raw + b"]",
        json.dumps(raw.decode()).encode(),
        raw[:-1] + b',"x":' + b"[" * 940 + b"]" * 940 + b"}",
        raw[:-1] + b',"x":' + b"9" * 900 + b"}",
        raw[:-1] + b',"x":"\xff"}',
        raw[:-1] + b',"x":NaN}',
        raw + b" " * 3000,
    ]
    return draw(st.sampled_from(forms))


@st.composite
def respelled(draw: DrawFn, text: str) -> str:
    """Edit a text somewhere: its characters, its edges, or its segments."""
    at = draw(st.integers(0, len(text)))
    before, behind = text[:at], text[at:]
    kinds: dict[str, SearchStrategy[str]] = {
        "insert": chars.map(lambda char: before + char + behind),
        "replace": chars.map(lambda char: before + char + behind[1:]),
        "delete": st.integers(1, 4).map(lambda length: before + behind[length:]),
        "case": st.just(before + behind[:1].swapcase() + behind[1:]),
        "swap": st.just(before + behind[1:2] + behind[:1] + behind[2:]),
        "loose": st.integers(0, text.count(".")).map(lambda part: _loosened(text, part)),
        "edge": chars.map(lambda char: text + char) | chars.map(lambda char: char + text),
        "segments": _segments(text),
    }
    return draw(kinds[draw(st.sampled_from(sorted(kinds)))])


@st.composite
def _segments(draw: DrawFn, text: str) -> str:
    """Drop, repeat, empty, pad, prolong or reorder segments."""
    parts = text.split(".")
    at = draw(st.integers(0, len(parts) - 1))
    part = parts[at]
    instead: dict[str, list[str]] = {
        "drop": [],
        "repeat": [part, part],
        "empty": [""],
        "pad": [part + "=" * (-len(part) % 4 or 4)],
        "odd": [part + "A" * ((1 - len(part)) % 4)],
    }
    kind = draw(st.sampled_from([*instead, "order"]))
    if kind == "order":
        return ".".join(draw(st.permutations(parts)))
    return ".".join([*parts[:at], *instead[kind], *parts[at + 1 :]])


def _loosened(text: str, segment: int) -> str:
    """Change the last bit of a segment: often it is one that decodes to nothing."""
    parts = text.split(".")
    before, last = parts[segment][:-1], parts[segment][-1:]
    if last and last in ALPHABET:
        parts[segment] = before + ALPHABET[ALPHABET.index(last) ^ 1]
    return ".".join(parts)


def unpacked(segment: str) -> bytes:
    """Decode the one spelling of some bytes.

    Raises:
        ValueError: when it is another one.

    """
    raw = base64.b64decode(segment.replace("-", "+").replace("_", "/") + "=" * (-len(segment) % 4))
    if encode(raw) != segment:
        raise ValueError(segment)
    return raw


def json_object(raw: bytes) -> dict[str, Any]:
    """Parse one UTF-8 JSON object in which no name stands twice.

    Raises:
        ValueError, RecursionError: when it is none.

    """

    def once(pairs: Members) -> dict[str, Any]:
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError(pairs)
        return dict(pairs)

    value = json.loads(raw.decode(), object_pairs_hook=once, parse_constant=int)
    if not isinstance(value, dict):
        raise ValueError(value)  # noqa: TRY004 - what a parser raises
    return value
