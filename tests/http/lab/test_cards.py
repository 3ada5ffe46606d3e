"""The list of attacks, a card for each, and what the lab serves."""

import re
from typing import Final

from flask.testing import FlaskClient

from app.dev.lab.attacker_pages import ATTACKS
from app.dev.lab.cards import IN_BROWSER, STATIC
from app.dev.lab.weakened import variants_of
from app.threats import ENTRIES
from app.web.headers import ALWAYS
from tests.support.named_code import is_there

SLUGS: Final = [entry.slug for entry in ENTRIES]


def test_every_attack_has_a_card(visitor: FlaskClient) -> None:
    listed = visitor.get("/lab").get_data(as_text=True)
    for entry in ENTRIES:
        assert f'href="/lab/{entry.slug}"' in listed
        page = visitor.get(f"/lab/{entry.slug}").get_data(as_text=True)
        assert f"<h1>{entry.name.replace(chr(39), '&#39;')}</h1>" in page
        assert variants_of(entry.slug)[0].defense in page.replace("<wbr>", "")
        assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=| style=", page)
    assert set(SLUGS) > IN_BROWSER > ATTACKS


def test_other_pages_lead_there(visitor: FlaskClient) -> None:
    for slug in SLUGS:
        page = visitor.get(f"/threats/{slug}").get_data(as_text=True)
        assert f'href="/lab/{slug}"' in page


def test_unknown_attacks(visitor: FlaskClient) -> None:
    for answer in (
        visitor.get("/lab/nothing"),
        visitor.post("/lab/nothing/run"),
        visitor.get("/lab/static/nothing.js"),
        visitor.get("/lab/static/../routes.py"),
        visitor.get("/lab/attacker-site/nothing"),
    ):
        assert answer.status_code == 404
    for path in ("/lab/replay/run", "/lab/run-all"):
        assert visitor.get(path).status_code in {404, 405}


def test_the_same_rules_for_the_lab(visitor: FlaskClient, attacker: FlaskClient) -> None:
    for path in (
        "/lab",
        "/lab/replay",
        "/lab/nothing",
        "/lab/static/lab.css",
        "/lab/page/guarded",
    ):
        with visitor.get(path) as answer:
            headers = answer.headers
        assert [(name, headers.get(name)) for name, _ in ALWAYS] == list(ALWAYS)
        led = attacker.get(path)
        assert led.status_code == 421 or re.fullmatch(rf"http://localhost:\d+{path}", led.location)
    for path in ("/lab/replay/run", "/lab/run-all", "/lab/browser", "/lab/browser/x/close"):
        assert attacker.post(path).status_code == 421
        forged = {"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"}
        answer = visitor.post(path, headers=forged)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "cross_origin")
    assert attacker.get("/login").status_code == 308
    assert attacker.post("/auth/refresh").status_code == 421


def test_code_that_speaks_is_there() -> None:
    """What a browser's run names as the line of defense is where it says."""
    source = (STATIC / "browser.js").read_text(encoding="utf-8")
    named = re.findall(r"= '((?:app|static)/[^']+:[^']+)';", source)
    assert len(named) >= 6
    for reference in named:
        assert is_there(reference), reference
