"""MAIL_URL and MAIL_FROM."""

import pytest

from config import Settings
from tests.unit.config.reports import GOOD, faults, names


@pytest.mark.parametrize(
    "url",
    [
        "none",
        "smtp://mail.example.com",
        "smtp://latchkey:p%40ss@mail.example.com:2525",
        "smtps://latchkey:secret@mail.example.com:465/",
        "smtp://[2001:db8::1]:587",
        "smtp://127.0.0.1:25",
    ],
)
def test_a_mail_server_is_named(url: str) -> None:
    assert Settings.from_env(GOOD | {"MAIL_URL": url}).mail_url == url


@pytest.mark.parametrize(
    "url",
    [
        "mailbox",  # development only
        "mail.example.com",
        "http://mail.example.com",
        "smtp://",
        "smtp://mail.example.com:70000",
        "smtp://[::1",
        "smtp://user@mail.example.com",
        "smtp://:password@mail.example.com",
        "smtp://mail.example.com/path",
        "smtp://mail.example.com?starttls=no",
        "smtp://mail_example",
    ],
)
def test_what_is_no_mail_server_is_refused(url: str) -> None:
    report = faults(MAIL_URL=url)
    assert names(report) == ["MAIL_URL"]
    assert "password@" not in report.replace("user:password@host", "")


@pytest.mark.parametrize("sender", ["", "Ada <ada@example.com>", "ada", "a@b\nc", "ä@example.com"])
def test_the_sender_is_an_address(sender: str) -> None:
    assert names(faults(MAIL_FROM=sender)) == ["MAIL_FROM"]


def test_without_mail_there_is_no_sender() -> None:
    assert Settings.from_env(GOOD | {"MAIL_URL": "none", "MAIL_FROM": ""}).mail_from == ""
