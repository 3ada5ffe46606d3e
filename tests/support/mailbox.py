"""Registering as somebody does who has just typed `make run`: by way of the mailbox page."""

import json
import re
from typing import Any
from urllib.request import Request, urlopen

from tests.support.processes import wait_until


def post(url: str, body: dict[str, str]) -> tuple[int, Any]:
    """Post JSON; return the status and the JSON of the answer."""
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310 - http
    with urlopen(request) as answer:  # noqa: S310 - http
        return int(answer.status), json.load(answer)


def messages(url: str, email: str) -> list[dict[str, str]]:
    """Return what came to an address, the newest first."""
    with urlopen(f"{url}/mailbox.json") as answer:  # noqa: S310 - http
        return [one for one in json.load(answer)["messages"] if one["to"] == email]


def register(url: str, email: str, password: str) -> None:
    """Open an account at a running server of development.

    Raises:
        urllib.error.HTTPError: the server refuses the address or the password.

    """
    assert post(f"{url}/auth/register", {"email": email})[0] == 202
    wait_until(lambda: bool(messages(url, email)), what="the message")
    match = re.search(r"\?token=(\S+)", messages(url, email)[0]["text"])
    assert match
    body = {"token": match[1], "password": password}
    assert post(f"{url}/auth/register/finish", body)[0] == 201
