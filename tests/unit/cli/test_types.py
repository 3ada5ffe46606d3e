from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

import pytest

from app.cli import types
from config import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result


@dataclass
class Everything:
    """Every kind of field there is.

    And more to say.
    """

    text: str
    number: int
    flag: bool
    nothing: None
    maybe: str | None
    several: list[str]
    word: Literal["a", "b"]


class Sparse(TypedDict):
    """Has a field that may be missing."""

    needed: int
    extra: NotRequired[list[str]]


def test_the_file_that_scripts_use_is_what_python_says() -> None:
    """Claims, families and answers have one definition: the browser's copy has not drifted."""
    kept = (ROOT / "static" / "js" / "types.d.ts").read_text(encoding="utf-8")
    assert kept == types.declarations(), "run: flask --app wsgi types > static/js/types.d.ts"


def test_the_command_prints_the_file(flask: Callable[..., Result]) -> None:
    """Redirected, it is the file, to the last newline."""
    done = flask("types")
    assert (done.exit_code, done.output) == (0, types.declarations())


def test_every_exported_type_is_declared_once() -> None:
    """Each has its interface, with a word on what it is."""
    declared = re.findall(r"/\*\* .+ \*/\nexport interface (\w+) \{", types.declarations())
    assert declared == list(types.EXPORTED.values())
    assert len(set(declared)) == len(declared)


def test_an_access_token_is_declared_with_all_its_claims() -> None:
    """What a reader looks for first."""
    text = types.declarations()
    start = text.index("export interface AccessTokenClaims")
    fields = re.findall(r"readonly (\w+): (\w+);", text[start : text.index("}", start)])
    assert dict(fields) == {
        "iss": "string",
        "aud": "string",
        "sub": "string",
        "sid": "string",
        "jti": "string",
        "iat": "number",
        "exp": "number",
        "auth_time": "number",
    }


def test_every_kind_of_field_has_its_type(monkeypatch: pytest.MonkeyPatch) -> None:
    """Text, numbers, flags, nothing, choices, lists and words; a dataclass is read-only."""
    monkeypatch.setattr(types, "EXPORTED", {Everything: "All", Sparse: "Sparse"})
    assert types.declarations() == (
        "// Printed by `flask --app wsgi types`. Do not edit.\n"
        "\n/** Every kind of field there is. */\n"
        "export interface All {\n"
        "  readonly text: string;\n"
        "  readonly number: number;\n"
        "  readonly flag: boolean;\n"
        "  readonly nothing: null;\n"
        "  readonly maybe: string | null;\n"
        "  readonly several: string[];\n"
        '  readonly word: "a" | "b";\n'
        "}\n"
        "\n/** Has a field that may be missing. */\n"
        "export interface Sparse {\n"
        "  needed: number;\n"
        "  extra?: string[];\n"
        "}\n"
    )


@pytest.mark.parametrize("hint", [bytes, dict[str, int], Any, tuple[int, int]])
def test_a_type_without_counterpart_is_refused(hint: object) -> None:
    """Whoever adds a field that no script could read is told so."""
    with pytest.raises(TypeError, match=r"^no TypeScript for"):
        types._type(hint)  # noqa: SLF001 - the one place that decides
