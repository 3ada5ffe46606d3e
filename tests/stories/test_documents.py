"""The documents: short, complete, linked, and in step with what they are made from."""

import re
import textwrap
from pathlib import Path
from typing import Any, Final

import pytest
from flask import Blueprint, Flask

from app import create_app, features
from app.contract.documents import DOCUMENTS, ENV_EXAMPLE, PARTS, env_example, updated, write
from app.contract.variables import VARIABLES
from config import ROOT, Settings, SettingsError, new_secret
from tests.support.app import close
from tests.support.client import Client
from tests.support.contract import OWN

README_BYTES: Final = 12 * 1024
PAGES: Final = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/*.md"))
LINKED: Final = ["README.md", "SECURITY.md", "CHANGELOG.md", *PAGES]
# Flask's own: its rules are in docs/configuration.md, beside the table.
NOT_LATCHKEYS: Final = {"FLASK_DEBUG"}
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
    for target in links(path):
        file, _, anchor = target.partition("#")
        found = (ROOT / path).parent / file if file else ROOT / path
        assert found.exists(), target
        if anchor:
            assert anchor in anchors(found.resolve().relative_to(ROOT).as_posix()), target


def test_readme_leads_to_every_page() -> None:
    assert set(PAGES) <= set(links("README.md"))


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_bytes()) <= README_BYTES


def test_readme_lists_every_endpoint() -> None:
    promised = {(endpoint.method, re.sub(r"\{\w+\}", "<id>", endpoint.path)) for endpoint in OWN}
    assert set(OPERATION.findall(text("README.md"))) == promised


def test_readmes_route_is_protected(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example runs as it stands there, in an application without features."""
    monkeypatch.setattr(features, "FEATURES", ())
    app = create_app(settings)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"(?ms)^```python\n(.*?)^```$", readme)
    blueprint = Blueprint("notes", __name__)
    given = {"blueprint": blueprint, "notes_of": lambda user_id: [f"a note of {user_id}"]}
    exec(textwrap.dedent(example), given)  # noqa: S102 - README's own example
    app.register_blueprint(blueprint)
    ada = Client(app)
    ada.create_account()
    ada.log_in()
    notes = ada.protected("GET", "/api/notes")
    assert notes.json == {"notes": [f"a note of {ada.user_id}"]}
    assert app.test_client().get("/api/notes", base_url="https://localhost").status_code == 401
    close(app)


@pytest.mark.parametrize("path", DOCUMENTS)
def test_generated_parts_are_up_to_date(path: str) -> None:
    """`flask --app wsgi catalogue --write` would change nothing."""
    whole = (ROOT / path).read_text(encoding="utf-8")
    assert updated(whole) == whole


def test_every_part_is_in_a_document() -> None:
    whole = "".join((ROOT / path).read_text(encoding="utf-8") for path in DOCUMENTS)
    assert sorted(re.findall(r"<!-- generated: (\w+) -->", whole)) == sorted(PARTS)


def stale(folder: Path) -> None:
    """Put copies of the documents into `folder`, with nothing in their generated parts."""
    (folder / "docs").mkdir()
    for path in DOCUMENTS:
        whole = (ROOT / path).read_text(encoding="utf-8")
        emptied = re.sub(r"(?s)(<!-- generated: \w+ -->\n).*?<!-- end", r"\1<!-- end", whole)
        assert emptied != whole
        (folder / path).write_text(emptied, encoding="utf-8")
    (folder / ENV_EXAMPLE).write_text("", encoding="utf-8")


def test_stale_documents_are_made_anew(tmp_path: Path) -> None:
    stale(tmp_path)
    assert write(tmp_path) == [*DOCUMENTS, ENV_EXAMPLE]
    for path in (*DOCUMENTS, ENV_EXAMPLE):
        assert (tmp_path / path).read_bytes() == (ROOT / path).read_bytes()
    assert write(tmp_path) == []


def test_the_command_writes(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stale(tmp_path)
    monkeypatch.setattr("app.cli.catalogue.ROOT", tmp_path)
    done = app.test_cli_runner().invoke(args=["catalogue", "--write"])
    changed = [*DOCUMENTS, ENV_EXAMPLE]
    assert done.stdout.splitlines() == [f"{path} is updated." for path in changed]


class Asked(dict[str, str]):
    """An environment that knows which variables were asked for."""

    def __init__(self, values: dict[str, str]) -> None:
        super().__init__(values)
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - as dict has it
        self.names.add(name)
        return super().get(name, default)


def deployment() -> dict[str, str]:
    """Return the least that production starts with, as `.env.example` has it."""
    given = {one.name: one.example for one in VARIABLES if one.required}
    return given | {"JWT_SECRET": new_secret(), "SECRET_KEY": new_secret()}


def test_every_variable_is_described() -> None:
    asked = Asked(deployment())
    Settings.from_env(asked)
    assert asked.names - NOT_LATCHKEYS == {one.name for one in VARIABLES}


def test_what_is_required_is_required() -> None:
    """Production does not start without it; APP_ENV is what makes it production."""
    for name in deployment().keys() - {"APP_ENV"}:
        with pytest.raises(SettingsError, match=name):
            Settings.from_env(deployment() | {name: ""})


def test_env_example_has_the_defaults() -> None:
    """Its values change nothing, and it starts once the secrets are set."""
    least = deployment()
    secrets = {name: least[name] for name in ("JWT_SECRET", "SECRET_KEY")}
    lines = re.findall(r"(?m)^([A-Z_0-9]+)=(.*)$", env_example())
    assert Settings.from_env(dict(lines) | secrets) == Settings.from_env(least)


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
    page = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.splitlines() if line.startswith(f"| **{who}** |")]
    _, _, why, bound, _ = (cell.strip() for cell in row.split("|"))
    assert why
    assert bound
