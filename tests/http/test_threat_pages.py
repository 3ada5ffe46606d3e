"""The pages about attacks and browsers: what the form finds, and the way from one to the next."""

import html
import re

import pytest
from flask import Flask

from app.pages.browsers import PROTECTIONS
from app.threats import ENTRIES, FURTHER, MISTAKES, THREATS
from app.threats.search import MAX_QUERY
from config import ROOT
from tests.support.client import Client
from tests.support.databases import one_database

pytestmark = one_database


def index(app: Flask, **query: str) -> str:
    answer = Client(app).ask("GET", "/threats", query_string=query)
    assert answer.status_code == 200
    return answer.text


def shown(page: str) -> list[str]:
    return re.findall(r'<li id="([\w-]+)" data-kind="\w+" data-text="[^"]*">', page)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [entry.slug for entry in ENTRIES]),
        ({"q": "  "}, [entry.slug for entry in ENTRIES]),
        ({"kind": "threat"}, [entry.slug for entry in THREATS]),
        ({"kind": "mistake"}, [entry.slug for entry in MISTAKES]),
        ({"kind": "further"}, [entry.slug for entry in FURTHER]),
        ({"kind": "else"}, [entry.slug for entry in ENTRIES]),
        ({"q": "CSRF"}, ["csrf-on-refresh", "login-csrf"]),
        ({"q": "csrf", "kind": "threat"}, ["csrf-on-refresh"]),
        ({"q": "csrf endpoint"}, ["csrf-on-refresh"]),
        ({"q": "endpoint  csrf"}, ["csrf-on-refresh"]),
        ({"q": "ASVS 9.2.3"}, ["unvalidated-audience"]),
        ({"q": "conditional update"}, ["refresh-races"]),
        ({"q": "hmac-sha256"}, ["trusting-alg"]),
        ({"q": "csrf nowhere"}, []),
    ],
)
def test_form_finds(app: Flask, query: dict[str, str], found: list[str]) -> None:
    page = index(app, **query)
    assert shown(page) == found
    assert f"data-count>{len(found)} of {len(ENTRIES)}<" in page
    assert ("data-none hidden>" in page) == bool(found)


def test_group_without_a_line_is_hidden(app: Flask) -> None:
    page = index(app, q="csrf")
    groups = dict(re.findall(r'data-group="(\w+)"( hidden)?>', page))
    assert groups == {"threat": "", "mistake": " hidden", "further": ""}


def test_form_keeps_what_was_asked(app: Flask) -> None:
    page = index(app, q='"><b>x', kind="further")
    assert 'value="&#34;&gt;&lt;b&gt;x"' in page
    assert '<input type="radio" name="kind" value="further" checked>' in page
    assert page.count(" checked>") == 1
    assert '<input type="radio" name="kind" value="" checked>' in index(app, kind="else")
    assert f'value="{"x" * MAX_QUERY}"' in index(app, q="x" * (MAX_QUERY + 1))


def test_one_attack_leads_to_the_next(app: Flask) -> None:
    visitor = Client(app)
    walked: list[str] = []
    slug = ENTRIES[0].slug
    while slug:
        page = visitor.ask("GET", f"/threats/{slug}").text
        before = re.findall(r'rel="prev" href="/threats/([\w-]+)"', page)
        assert before == walked[-1:]
        walked.append(slug)
        slug = "".join(re.findall(r'rel="next" href="/threats/([\w-]+)"', page))
    assert walked == [entry.slug for entry in ENTRIES]


def test_pages_about_attacks_lead_to_browsers(app: Flask) -> None:
    assert index(app).count('href="/browsers"') == 2, "above the index, and in the footer"
    assert 'href="/browsers"' in Client(app).ask("GET", "/login").text


def test_each_protection_is_probed_or_says_why_not(app: Flask) -> None:
    page = html.unescape(Client(app).ask("GET", "/browsers").text)
    source = (ROOT / "static/js/browsers.js").read_text(encoding="utf-8")
    probes = re.findall(r"(?m)^\t(?:async )?(\w+)(?:\(\) \{|:)", source.partition("PROBES = {")[2])
    assert sorted(filter(None, (one.probe for one in PROTECTIONS))) == sorted(probes)
    for one in PROTECTIONS:
        assert [bool(way) for way in (one.probe, one.header, one.unprobed)].count(True) == 1
        assert one.unprobed in page
        assert f'data-probe="{one.probe}"' in page or not one.probe
        for version in (one.chromium, one.firefox, one.safari):
            assert re.fullmatch(r"(\d+(\.\d+)?)?", version)
            assert f"<dd>{version or 'none'}</dd>" in page


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"Sec-Fetch-Site": "none"}, "Sec-Fetch-Site came with this page."),
        ({}, "Sec-Fetch-Site did not come with this page."),
    ],
)
def test_server_says_whether_fetch_metadata_came(
    app: Flask, headers: dict[str, str], said: str
) -> None:
    visitor = Client(app)
    visitor.headers = headers
    assert said in visitor.ask("GET", "/browsers").text
