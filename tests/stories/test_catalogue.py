"""The catalogue: true, proven, and the same in README, on the pages and on the command line."""

import html
import re
from dataclasses import astuple
from typing import Final

import pytest
from flask import Flask

from app.attacks.registry import ATTACKS
from app.pages.routes import COSTS
from app.threats import ENTRIES, FURTHER, MISTAKES, THREATS, Entry
from config import ROOT
from tests.support.client import Client
from tests.support.named_code import definitions_around, is_there, lines_of

MAX_LINES: Final = 4
MAX_STEP_LENGTH: Final = 38

each = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.slug)


def plain(text: str) -> str:
    bare = re.sub(r"<[^>]*>", "", text)
    return re.sub(r"\s+", " ", html.unescape(bare))


def compared(page: str) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return the lines without the defense, and those with it, of each comparison of a page."""
    return [
        (
            tuple(
                html.unescape(line)
                for line in re.findall(r'"minus">\N{MINUS SIGN} (.*?)</span>', part)
            ),
            tuple(html.unescape(line) for line in re.findall(r'"plus">\+ (.*?)</span>', part)),
        )
        for part in re.findall(r"(?s)<pre.*?</pre>", page)
    ]


def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def test_five_threats_and_six_mistakes() -> None:
    assert (len(THREATS), len(MISTAKES)) == (5, 6)
    assert len({entry.slug for entry in ENTRIES}) == len(ENTRIES) == 11 + len(FURTHER)


@each
def test_nothing_is_left_out(entry: Entry) -> None:
    assert all(astuple(entry))
    for standard in entry.standards:
        assert re.fullmatch(r"ASVS \d+\.\d+\.\d+|RFC \d{4} \d+(\.\d+)*", standard)


@each
def test_proof_runs(entry: Entry) -> None:
    """The tests that are named exist and test something, and the attack itself can be run."""
    for proof in entry.proofs:
        assert "\ndef test_" in (ROOT / proof).read_text(encoding="utf-8")
    assert entry.slug in ATTACKS


def test_every_attack_has_an_entry() -> None:
    assert ATTACKS.keys() == {entry.slug for entry in ENTRIES}


@each
def test_code_is_where_the_entry_says(entry: Entry) -> None:
    """Under a public name: a function that only its own module knows may be renamed any day."""
    for reference in entry.code:
        assert is_there(reference), reference
        assert not re.search(r"[:.]_", reference), reference
    for path in re.findall(r"\b(?:app|static)/[\w/]+\.(?:py|js)\b", entry.detail):
        assert (ROOT / path).is_file()


@each
def test_defense_is_in_the_source(entry: Entry) -> None:
    """Its lines are there together, inside what is named or a private part of the same file."""
    path, _, name = entry.code[0].partition(":")
    assert 1 <= len(entry.line) <= MAX_LINES
    assert entry.line != entry.without
    at = lines_of(path, entry.line)
    assert at, "the source no longer has the line"
    for first in at:
        around = definitions_around(path, first)
        assert name in around or any("._" in f".{part}" for part in around), around


@pytest.mark.parametrize(
    "lines",
    [("return None",), ("if len(values) > 1:", "    return None"), ("    return values[0]",)],
)
def test_line_that_is_gone_is_noticed(lines: tuple[str, ...]) -> None:
    """The check above can fail, also for an indentation of its own."""
    assert lines_of("app/web/cookies.py", ("if len(values) > 1:",))
    assert not lines_of("app/web/cookies.py", lines)


@each
def test_words_fit_a_line_of_the_index(entry: Entry) -> None:
    assert len(entry.stopped_by.split()) <= 5
    assert len(entry.remains.split()) <= 6
    assert (entry.remains == "Nothing known") == entry.gap.startswith("Nothing known")


@each
def test_picture_tells_attack_and_answer(entry: Entry) -> None:
    kinds = [kind for _, _, _, kind in entry.steps]
    assert 3 <= len(kinds) <= 6
    assert "safe" in kinds[kinds.index("thief") :]
    for _, _, text, _ in entry.steps:
        assert len(text) <= MAX_STEP_LENGTH, text


@pytest.mark.parametrize(
    "reference",
    [
        "app/auth/refresh.py",
        "app/auth/refresh.py:",
        "app/auth/refresh.py:gone",
        "app/auth/dependencies.py:Auth.gone",
        "app/auth/dependencies.py:Gone.deny",
        "app/gone.py:Auth",
        "static/js/session.js:gone",
    ],
)
def test_code_that_is_gone_is_noticed(reference: str) -> None:
    """The check above can fail."""
    assert not is_there(reference)


def test_the_command_prints_what_the_page_has(app: Flask) -> None:
    printed = app.test_cli_runner().invoke(args=["catalogue"])
    assert printed.exit_code == 0
    page = (ROOT / "docs/threats.md").read_text(encoding="utf-8")
    sections = printed.stdout.strip().split("\n\n### ")
    assert len(sections) == len(ENTRIES)
    for section in sections:
        assert section in page


def test_readme_has_the_implementation_first() -> None:
    headings = re.findall(r"(?m)^## (.*)$", readme())
    order = [headings.index(name) for name in ("The implementation", "Threat table")]
    assert order == sorted(order)
    assert headings.index("What not to do") == order[1] + 1


def test_pages_show_them(app: Flask) -> None:
    visitor = Client(app)
    listed = visitor.ask("GET", "/threats").text
    mistakes = visitor.ask("GET", "/mistakes").text
    for number, entry in enumerate(ENTRIES, 1):
        path = f"/threats/{entry.slug}"
        (line,) = re.findall(rf'<a class="entry" href="{path}">.*?</a>', listed)
        for text in (f"{number:02}", entry.name, entry.stopped_by, entry.remains):
            assert text in plain(line)
        assert f"Tested{len(entry.proofs)} in {len(entry.proofs)} file" in plain(line)
        page = visitor.ask("GET", path).text
        for text in (
            entry.name,
            entry.attack,
            entry.needs,
            entry.defense,
            entry.detail,
            entry.gap,
        ):
            assert plain(text) in plain(page)
        for text in (*entry.code, *entry.standards, *entry.proofs):
            assert plain(text) in plain(page)
        assert page.count(f"No. {number:02} of {len(ENTRIES)}") == 1
        assert compared(page) == [(entry.without, entry.line)]
        for _, _, text, _ in entry.steps:
            assert html.unescape(page).count(f">{text}</text>") == 2, (
                "the wide drawing, the narrow"
            )
            assert f": {text}</li>" in html.unescape(page)
    assert compared(mistakes) == [(entry.without, entry.line) for entry in MISTAKES]
    for entry in MISTAKES:
        assert f'href="/threats/{entry.slug}"' in mistakes
        assert plain(entry.attack) in plain(mistakes)
    assert visitor.ask("GET", "/threats/nothing").status_code == 404


def test_the_home_page_has_a_cell_for_each(app: Flask) -> None:
    page = Client(app).ask("GET", "/").text
    assert f"{len(ENTRIES)} attacks" in page
    for entry in ENTRIES:
        assert f'href="/threats/{entry.slug}"' in page
        assert f"<b>{entry.short}</b>" in page
        assert len(entry.short.split()) <= 4


def test_the_home_page_says_what_was_measured() -> None:
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    for _, micros, _ in COSTS:
        assert f"guard alone: {micros})" in page
