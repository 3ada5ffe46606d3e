import re
from dataclasses import dataclass
from typing import Annotated, Literal, NotRequired, TypedDict

import pytest
from flask import Blueprint, Flask, Response
from msgspec import Meta

from app import create_app, features
from app.contract.types import declarations, file_of
from app.feature import Feature
from app.web.guards import public
from app.web.json_endpoint import NoContent, json_endpoint
from config import ROOT, Settings
from tests.support.app import close


@dataclass
class Record:
    """Every kind of field there is.

    And more to say.
    """

    text: str
    number: int
    flag: bool
    nothing: None
    maybe: str | None
    several: list[str]
    fixed: tuple[str, ...]
    word: Literal["a", "b"]
    words: list[Literal["a", "b"]]
    bounded: Annotated[int, Meta(ge=0)]
    by_name: dict[str, int]


class Inner(TypedDict):
    """Is part of another type."""

    text: str


class Sparse(TypedDict):
    """Has a field that may be missing."""

    needed: int
    extra: NotRequired[list[Inner]]


def test_the_file_that_scripts_use_is_what_python_says(app: Flask) -> None:
    written = (ROOT / "static" / "js" / "types.d.ts").read_text(encoding="utf-8")
    assert written == declarations(app), "run: flask --app wsgi types > static/js/types.d.ts"


def test_the_command_prints_the_file(app: Flask) -> None:
    done = app.test_cli_runner().invoke(args=["types"])
    assert (done.exit_code, done.output) == (0, declarations(app))


def test_every_exported_type_is_declared_once_with_a_word_on_what_it_is(app: Flask) -> None:
    declared = re.findall(r"/\*\* .+ \*/\nexport interface (\w+) \{", declarations(app))
    assert len(set(declared)) == len(declared)
    assert {
        "AccessTokenClaims",
        "RefreshTokenClaims",
        "RefreshFamilyRecord",
        "Credentials",
        "TokenResponse",
        "SessionView",
        "Problem",
    } <= set(declared)


def test_an_access_token_is_declared_with_all_its_claims(app: Flask) -> None:
    text = declarations(app)
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
    assert "  readonly amr?: readonly string[] | null;\n" in text[start:]


def test_every_kind_of_field_has_its_type() -> None:
    """A dataclass is read-only; a type inside another one stands before it."""
    assert file_of("flask types", [Record, Sparse]) == (
        "// Printed by `flask types`. Do not edit.\n"
        "\n/** Every kind of field there is. */\n"
        "export interface Record {\n"
        "  readonly text: string;\n"
        "  readonly number: number;\n"
        "  readonly flag: boolean;\n"
        "  readonly nothing: null;\n"
        "  readonly maybe: string | null;\n"
        "  readonly several: string[];\n"
        "  readonly fixed: readonly string[];\n"
        '  readonly word: "a" | "b";\n'
        '  readonly words: ("a" | "b")[];\n'
        "  readonly bounded: number;\n"
        "  readonly by_name: Record<string, number>;\n"
        "}\n"
        "\n/** Is part of another type. */\n"
        "export interface Inner {\n"
        "  text: string;\n"
        "}\n"
        "\n/** Has a field that may be missing. */\n"
        "export interface Sparse {\n"
        "  needed: number;\n"
        "  extra?: Inner[];\n"
        "}\n"
    )


@pytest.mark.parametrize("hint", [bytes, object, tuple[int, int]])
def test_a_type_without_counterpart_is_refused(hint: object) -> None:
    kind = type("Unknown", (), {"__doc__": "A type.", "__annotations__": {"field": hint}})
    with pytest.raises(TypeError, match=r"^no TypeScript for"):
        file_of("flask types", [kind])


def test_a_feature_has_a_file_of_its_own(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, app: Flask
) -> None:
    """Latchkey's own file does not change when a product adds a feature."""
    blueprint = Blueprint("notes", __name__)

    def put_note(body: Sparse) -> NoContent:
        return Response(str(body), status=204)

    put_note.__module__ = "app.features.notes.api"
    blueprint.put("/api/notes")(public(json_endpoint()(put_note)))
    monkeypatch.setattr(features, "load", lambda: (Feature((blueprint,)),))
    product = create_app(settings)
    close(product)
    assert declarations(product) == declarations(app)
    printed = declarations(product, "notes")
    assert printed.startswith("// Printed by `flask --app wsgi types notes`. Do not edit.\n")
    assert re.findall(r"interface (\w+)", printed) == ["Inner", "Sparse"]
