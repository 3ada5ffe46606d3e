"""The catalogue of threats and mistakes: true, proven, and the same in README and on the pages."""

from __future__ import annotations

import html
import re
from dataclasses import astuple
from typing import TYPE_CHECKING

import pytest

from app.pages.catalogue import MISTAKES, THREATS, Mistake, Threat
from config import ROOT
from tests.http.actor import browser

if TYPE_CHECKING:
    from flask import Flask

ENTRIES = (*THREATS, *MISTAKES)


def plain(text: str) -> str:
    """Return text without markup and with single spaces."""
    bare = re.sub(r"<[^>]*>", "", text)
    return re.sub(r"\s+", " ", re.sub(r"[`*\\]", "", html.unescape(bare)))


def section(name: str) -> str:
    """Return README's section whose heading contains `name`."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    parts = re.split(r"(?m)^(?=## )", readme)
    return next(part for part in parts if name.lower() in part.partition("\n")[0].lower())


def words(entry: Threat | Mistake) -> list[str]:
    """List what is to be read of an entry: all but its slug and its proof."""
    return list(astuple(entry))[1:-1]


def test_five_and_six() -> None:
    """Each once."""
    assert (len(THREATS), len(MISTAKES)) == (5, 6)
    assert len({entry.slug for entry in ENTRIES}) == 11


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.slug)
def test_proof_is_there(entry: Threat | Mistake) -> None:
    """The test that is named exists and tests something."""
    assert "\ndef test_" in (ROOT / entry.proof).read_text(encoding="utf-8")


@pytest.mark.parametrize("entry", THREATS, ids=lambda entry: entry.slug)
def test_files_that_are_named_exist(entry: Threat) -> None:
    """What the detail points to is where it says."""
    for path in re.findall(r"\b(?:app|static)/[\w/]+\.(?:py|js)\b", entry.detail):
        assert (ROOT / path).is_file()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.slug)
def test_readme_says_the_same(entry: Threat | Mistake) -> None:
    """Word for word, with a link to the proof."""
    found = section("threat" if isinstance(entry, Threat) else "what not to do")
    for text in words(entry):
        assert plain(text) in plain(found)
    assert re.search(r"\]\((?:\./)?" + re.escape(entry.proof) + r"\)", found)


def test_readme_has_the_implementation_first() -> None:
    """Then the threats, then what not to do."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.index(section("threat")) < readme.index(section("what not to do"))


@pytest.mark.parametrize(("path", "entries"), [("/threats", THREATS), ("/mistakes", MISTAKES)])
def test_pages_show_them(app: Flask, path: str, entries: tuple[Threat | Mistake, ...]) -> None:
    """Every entry, under its own anchor, with the name of its proof."""
    page = browser(app).get(path).get_data(as_text=True)
    for entry in entries:
        assert f'id="{entry.slug}"' in page
        for text in (*words(entry), entry.proof):
            assert plain(text) in plain(page)
