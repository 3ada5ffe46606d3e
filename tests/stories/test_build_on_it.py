"""docs/build-on-it.md does what it says: its files make a feature, and nothing else gives way.

A fresh copy of the tree gets the page's files and its one changed line. There `make check` passes,
and so do the tests of the feature and those of Latchkey that look at routes, tables, revisions and
documents; the whole suite in such a copy would take as long as this one.
"""

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from typing import Final
from urllib.request import Request, urlopen

import pytest

from config import ROOT
from tests.support.clone import Clone
from tests.support.mailbox import register
from tests.support.processes import wait_until

PAGE: Final = (ROOT / "docs" / "build-on-it.md").read_text(encoding="utf-8")
FILE: Final = re.compile(r"(?ms)^`([^`\n]+)`:\n\n```(?!diff)\w+\n(.*?)^```$")
CHANGE: Final = re.compile(r"(?ms)^`([^`\n]+)`:\n\n```diff\n-(.*?)\n\+(.*?)\n```$")
COMMANDS: Final = re.compile(r"(?ms)^```sh\n(.*?)^```$")
LEFT_OUT: Final = (
    ".git",
    ".venv",
    ".env",
    ".*_cache",
    ".coverage*",
    "__pycache__",
    "node_modules",
    "instance",
)
# What of Latchkey looks at all routes, tables, revisions, events and documents.
LOOKS_AROUND: Final = (
    "tests/http/test_features.py",
    "tests/http/test_guards.py",
    "tests/http/test_headers.py",
    "tests/http/test_openapi.py",
    "tests/http/test_origin.py",
    "tests/http/test_promises.py",
    "tests/servers/test_migrations.py",
    "tests/stories/test_documents.py",
    "tests/unit/cli/test_database_role.py",
    "tests/unit/cli/test_doctor.py",
    "tests/unit/contract",
    "tests/unit/infra/test_audit.py",
    "tests/unit/test_production_import.py",
    "tests/unit/web/test_guards.py",
)
PERSON: Final = {"email": "ada@example.com", "password": "quarry lantern umbrella nine"}


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    folder = tmp_path_factory.mktemp("p")
    copy = Clone(folder)
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*LEFT_OUT), dirs_exist_ok=True)
    # Types that are known already need not be found out again.
    if (ROOT / ".mypy_cache").is_dir():
        shutil.copytree(ROOT / ".mypy_cache", folder / ".mypy_cache")
    if (ROOT / "node_modules").is_dir():
        (folder / "node_modules").symlink_to(ROOT / "node_modules")
    for path, text in FILE.findall(PAGE):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    ((path, before, after),) = CHANGE.findall(PAGE)
    text = (folder / path).read_text(encoding="utf-8")
    assert text.count(f"{before}\n") == 1
    (folder / path).write_text(text.replace(before, after), encoding="utf-8")
    yield copy
    copy.close()


@pytest.fixture
def running(product: Clone) -> Iterator[Clone]:
    product.run(WEB_CONCURRENCY="1")
    yield product
    product.interrupt()


def done(product: Clone, *words: str) -> str:
    # Without what has Python write the coverage of its children.
    own = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    finished = product.do(words, own | {"PORT": str(product.port)})
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def ask(url: str, body: dict[str, str] | None = None, token: str = "") -> tuple[int, str]:
    headers = {"Content-Type": "application/json"} if body else {}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = json.dumps(body).encode() if body else None
    with urlopen(Request(url, data, headers)) as answer:  # noqa: S310 - http
        return answer.status, answer.read().decode()


def test_it_is_one_package_and_one_line() -> None:
    feature = [path for path, _ in FILE.findall(PAGE) if "notes" in path]
    changed = [path for path, _, _ in CHANGE.findall(PAGE)]
    assert changed == ["app/features/__init__.py"]
    assert len(feature) + len(changed) <= 10
    assert not [path for path in feature if (ROOT / path).exists()]


def test_the_checks_pass(product: Clone) -> None:
    done(product, "make", "check")


@pytest.mark.timeout(600)
def test_the_tests_pass(product: Clone) -> None:
    pytest_ = (sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider")
    done(product, *pytest_, "tests/features")
    done(product, *pytest_, *LOOKS_AROUND, "-k", "not postgresql")
    done(product, *pytest_, "tests/http/test_fuzz.py", "-k", "notes")


def test_it_serves(running: Clone) -> None:
    register(running.url, **PERSON)
    token = json.loads(ask(f"{running.url}/auth/login", PERSON)[1])["access_token"]
    assert ask(f"{running.url}/api/notes", {"text": "Buy tea."}, token)[0] == 201
    (note,) = json.loads(ask(f"{running.url}/api/notes", token=token)[1])["notes"]
    assert note["text"] == "Buy tea."
    page = ask(f"{running.url}/account/notes")[1]
    assert re.search(r"<title>Your notes . Inkwell</title>", page)
    assert re.search(r'href="/static/v-\w+/css/brand\.css"', page)
    paths = json.loads(ask(f"{running.url}/openapi.json")[1])["paths"]
    assert {"/api/notes", "/api/notes/{note_id}", "/api/operator/notes"} <= paths.keys()


def test_a_change_is_served(running: Clone) -> None:
    template = running.folder / "app/features/notes/templates/notes/page.html"
    template.write_text(template.read_text(encoding="utf-8").replace("Your notes", "My notes"))

    def served() -> bool:
        return "<title>My notes" in ask(f"{running.url}/account/notes")[1]

    wait_until(served, what="the new title")


def test_the_types_are_printed(product: Clone) -> None:
    printed = done(product, sys.executable, "-m", "flask", "--app", "wsgi", "types", "notes")
    assert re.findall(r"interface (\w+)", printed) == [
        "NoteView",
        "NotesView",
        "NewNote",
        "CountView",
    ]


def test_the_next_revision_is_the_features(running: Clone) -> None:
    models = running.folder / "app/features/notes/models.py"
    text = models.read_text(encoding="utf-8")
    column = '    Column("text", Text, nullable=False),\n'
    assert column in text
    models.write_text(text.replace(column, column + '    Column("title", Text),\n'))
    (command,) = [one for one in COMMANDS.findall(PAGE) if "db revision" in one]
    done(running, "bash", "-c", command)
    models.write_text(text, encoding="utf-8")
    folder = running.folder / "app/features/notes/migrations"
    (revision,) = set(folder.glob("*.py")) - {folder / "notes_0001.py"}
    written = revision.read_text(encoding="utf-8")
    revision.unlink()
    assert "down_revision = 'notes_0001'" in written
    assert "'title'" in written
