"""The mailbox of development."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from app.dev.install import install
from app.dev.mailbox import pages
from app.mail.folder import Folder
from app.services import NAME
from config import Settings
from tests.support.app import close, services
from tests.support.client import Client
from tests.support.databases import one_database
from tests.support.mail import sender_of

pytestmark = one_database


@pytest.fixture
def site(settings: Settings, tmp_path: Path) -> Iterator[Flask]:
    """The application as `make run` builds it, with a mailbox of the test's own."""
    app = create_app(replace(settings, mail_url="mailbox", instance=tmp_path))
    install(app)
    yield app
    close(app)


def ask(site: Flask, *addresses: str) -> None:
    for address in addresses:
        Client(site).ask("POST", "/auth/reset", {"email": address})
        sender_of(site).send_due()


def test_the_newest_first(site: Flask) -> None:
    visitor = Client(site)
    assert "No message yet" in visitor.ask("GET", "/mailbox").text
    assert visitor.ask("GET", "/mailbox.json").json == {"messages": []}
    ask(site, "ada@example.com", "bob@example.com")
    messages = visitor.ask("GET", "/mailbox.json").get_json()["messages"]
    assert [one["to"] for one in messages] == ["bob@example.com", "ada@example.com"]
    assert messages[0].keys() == {"to", "subject", "text", "html", "sent_at"}
    page = visitor.ask("GET", "/mailbox").text
    assert page.index("To bob@example.com") < page.index("To ada@example.com")
    assert '<a href="https://localhost/register"' in page


def test_html_is_shown_under_a_policy_of_its_own(site: Flask) -> None:
    """It may have style and links, and no script and no origin."""
    ask(site, "ada@example.com")
    visitor = Client(site)
    (path,) = (site.extensions[NAME].settings.instance / "mailbox").glob("*.eml")
    page = visitor.ask("GET", f"/mailbox/{path.stem}")
    assert "<h1>There is no Latchkey account for this address</h1>" in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "allow-scripts" not in policy
    assert page.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("name", ["0" * 20 + "-" + "a" * 22, "../latchkey.db", "x"])
def test_there_is_nothing_else(site: Flask, name: str) -> None:
    assert Client(site).ask("GET", f"/mailbox/{name}").status_code == 404


def test_more_than_a_page_shows(site: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MAX_SHOWN", 1)
    ask(site, "ada@example.com", "bob@example.com")
    assert "1 older messages" in Client(site).ask("GET", "/mailbox").text


def test_a_message_that_made_room_meanwhile(site: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(site, "ada@example.com")
    folder = services(site).settings.instance / "mailbox"
    found = sorted(folder.glob("*.eml"))
    monkeypatch.setattr(Path, "glob", lambda *_: [*found, folder / f"{'1' * 20}-gone.eml"])
    assert len(Client(site).ask("GET", "/mailbox.json").get_json()["messages"]) == 1


def test_a_message_that_is_being_written(site: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not shown before it is whole, and does not make room for others."""
    visitor = Client(site)
    finish = Path.replace
    seen = []

    def look_first(draft: Path, target: Path) -> Path:
        seen.append(visitor.ask("GET", "/mailbox.json").get_json())
        with Folder(draft.parent).connect():
            pass
        return finish(draft, target)

    monkeypatch.setattr(Path, "replace", look_first)
    monkeypatch.setattr("app.mail.folder.MAX_MAILBOX", 1)
    ask(site, "ada@example.com")
    ask(site, "bob@example.com")
    assert [len(mailbox["messages"]) for mailbox in seen] == [0, 1]
    assert len(visitor.ask("GET", "/mailbox.json").get_json()["messages"]) == 1
