"""A browser whose log-in is minutes old, and the dialog that asks for the password again."""

import sqlite3
from contextlib import closing
from typing import Final

from playwright.sync_api import Locator, Page, expect

from tests.support.browsing import module
from tests.support.servers.gunicorn import GunicornServer

PATH: Final = "/auth/reauthenticate"
# Asks for what needs a recent proof, in several requests at once, and says what became of each.
AT_ONCE: Final = f"""
async () => {{
  const {{ authorizedFetch }} = await import({module("session")});
  const end = () => authorizedFetch(`/auth/sessions/${{'A'.repeat(22)}}`, {{ method: 'DELETE' }})
    .then(({{ status }}) => status,
      ({{ name, code, status, message }}) => ({{ name, code, status, message }}));
  window.ended = Promise.all([end(), end(), end()]);
}}
"""


def let_the_log_in_be_old(site: GunicornServer) -> None:
    """Move the time of all log-ins; the next access token says so."""
    with closing(sqlite3.connect(site.database, timeout=10)) as database, database:
        database.execute("UPDATE families SET auth_time = auth_time - 400")


def end_the_others(page: Page) -> None:
    page.bring_to_front()
    page.get_by_text("End all other sessions").click()
    page.get_by_role("button", name="End the others").click()


def question(page: Page) -> Locator:
    """Wait for the dialog, which has the focus in its field."""
    dialog = page.get_by_role("dialog", name="Confirm that it is you")
    expect(dialog.get_by_label("Password", exact=True)).to_be_focused()
    return dialog


def answer(page: Page, password: str) -> None:
    question(page).get_by_label("Password", exact=True).fill(password)
    page.keyboard.press("Enter")


def said(page: Page, text: str) -> None:
    expect(page.locator(".said")).to_contain_text(text)
