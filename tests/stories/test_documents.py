"""The documents: short, complete, linked, and in step with what they are made from."""

from __future__ import annotations

import json
import re
import shutil
import textwrap
from typing import TYPE_CHECKING, Final

import pytest
from flask import Blueprint

from app.contract.documents import DOCUMENTS, PARTS, updated, write
from config import ROOT
from tests.support.client import Actor

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

README_BYTES: Final = 12 * 1024
PAGES: Final = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/*.md"))
LINKED: Final = ["README.md", "SECURITY.md", "CHANGELOG.md", *PAGES]
OPERATION: Final = re.compile(r"`(GET|POST|DELETE) (/[\w./<>-]*)`")


def text(path: str) -> str:
    """Return a document without its blocks of code."""
    whole = (ROOT / path).read_text(encoding="utf-8")
    return re.sub(r"(?ms)^```.*?^```$", "", whole)


def links(path: str) -> list[str]:
    """Return where the links of a document lead, but for other sites."""
    found = re.findall(r"\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"", text(path))
    targets = [link or image for link, image in found]
    return [target for target in targets if "://" not in target]


def anchors(path: str) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"(?m)^#+ (.*)$", text(path))
    bare = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in bare}


@pytest.mark.parametrize("path", LINKED)
def test_links_lead_somewhere(path: str) -> None:
    """The file is there, and so is the heading."""
    for target in links(path):
        file, _, anchor = target.partition("#")
        found = (ROOT / path).parent / file if file else ROOT / path
        assert found.exists(), target
        if anchor:
            assert anchor in anchors(found.resolve().relative_to(ROOT).as_posix()), target


def test_readme_is_short() -> None:
    """What is longer belongs into a page of docs."""
    assert len((ROOT / "README.md").read_bytes()) <= README_BYTES


def test_readme_lists_every_endpoint(app: Flask) -> None:
    """The same operations as the OpenAPI document, and no others."""
    paths = json.loads(app.test_client().get("/openapi.json").text)["paths"]
    promised = {
        (method.upper(), re.sub(r"\{\w+\}", "<id>", path))
        for path, operations in paths.items()
        for method in operations
        if method in {"get", "post", "delete"}
    }
    assert set(OPERATION.findall(text("README.md"))) == promised


def test_readmes_route_is_protected(app: Flask) -> None:
    """The example runs as it stands there."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"(?ms)^```python\n(.*?)^```$", readme)
    blueprint = Blueprint("notes", __name__)
    given = {"blueprint": blueprint, "notes_of": lambda user_id: [f"a note of {user_id}"]}
    exec(textwrap.dedent(example), given)  # noqa: S102 - README's own example
    app.register_blueprint(blueprint)
    ada = Actor(app)
    ada.register()
    ada.log_in()
    notes = ada.protected("GET", "/api/notes")
    assert notes.json == {"notes": [f"a note of {ada.user_id}"]}
    assert app.test_client().get("/api/notes", base_url="https://localhost").status_code == 401


@pytest.mark.parametrize("path", DOCUMENTS)
def test_generated_parts_are_up_to_date(path: str) -> None:
    """`flask --app wsgi catalogue --write` would change nothing."""
    whole = (ROOT / path).read_text(encoding="utf-8")
    assert updated(whole) == whole


def test_every_part_is_in_a_document() -> None:
    """Each once."""
    whole = "".join((ROOT / path).read_text(encoding="utf-8") for path in DOCUMENTS)
    assert sorted(re.findall(r"<!-- generated: (\w+) -->", whole)) == sorted(PARTS)


def test_a_stale_part_is_made_anew(tmp_path: Path) -> None:
    """Text of one's own outside the marks stays."""
    for path in DOCUMENTS:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    stale = tmp_path / DOCUMENTS[0]
    good = stale.read_text(encoding="utf-8")
    stale.write_text(re.sub(r"(?s)(<!-- generated: \w+ -->\n).*?<!-- end", r"\1<!-- end", good))
    assert write(tmp_path) == [DOCUMENTS[0]]
    assert stale.read_text(encoding="utf-8") == good
    assert write(tmp_path) == []


def test_the_command_writes(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names each document that it has changed."""
    for path in DOCUMENTS:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        emptied = re.sub(r"(?s)(<!-- generated: \w+ -->\n).*?<!-- end", r"\1<!-- end", text(path))
        (tmp_path / path).write_text(emptied, encoding="utf-8")
    monkeypatch.setattr("app.cli.catalogue.ROOT", tmp_path)
    done = app.test_cli_runner().invoke(args=["catalogue", "--write"])
    assert done.stdout.splitlines() == [f"{path} is updated." for path in DOCUMENTS]


@pytest.mark.parametrize(
    "who",
    [
        "Script running in the page",
        "Malware with the user's rights on the device",
        "A hostile server operator, or host",
        "A stolen unlocked device",
    ],
)
def test_what_is_out_of_reach_is_said_with_what_bounds_it(who: str) -> None:
    """Each in a row of its own: who, why, and what bounds it."""
    page = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.splitlines() if line.startswith(f"| **{who}** |")]
    _, _, why, bound, _ = (cell.strip() for cell in row.split("|"))
    assert why
    assert bound
