"""POST /auth/register."""

import re

import pytest
from flask import Flask

from tests.support.at_once import at_once
from tests.support.client import EMAIL, PASSWORD, Client, member, problem
from tests.support.databases import one_database


def test_opens_an_account_and_logs_nobody_in(visitor: Client) -> None:
    answer = visitor.register()
    assert answer.status_code == 201
    body = answer.get_json()
    assert body.keys() == {"user"}
    assert body["user"].keys() == {"id", "email", "created_at"}
    assert body["user"]["email"] == EMAIL
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", body["user"]["created_at"])
    assert "Set-Cookie" not in answer.headers
    assert visitor.log_in().status_code == 200


@pytest.mark.parametrize(
    "spelling",
    [
        "ADA@EXAMPLE.COM",
        "Ada@Example.Com",
        "  ada@example.com ",
        "\uff21\uff24\uff21@example.com",
        "ada@ex\u00e4mple.com".replace("\u00e4", "a"),
        "\uff41da\uff20example.com",
    ],
)
def test_one_account_per_address(app: Flask, visitor: Client, spelling: str) -> None:
    visitor.register()
    twin = Client(app, spelling)
    problem(twin.register(), 409, "email_taken")
    assert twin.log_in().get_json()["user"]["email"] == EMAIL


def test_unicode_addresses(app: Flask) -> None:
    member(app, "jos\u00e9@b\u00fccher.example")
    for spelling in ("jose\u0301@bu\u0308cher.example", "JOS\u00c9@xn--bcher-kva.example"):
        assert Client(app, spelling).log_in().status_code == 200


@one_database
@pytest.mark.parametrize(
    "email",
    [
        "ada",
        "ada@",
        "@example.com",
        "ada@example",
        "ada@localhost",
        "a b@example.com",
        "ada@exa mple.com",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@@example.com",
        "ada@[127.0.0.1]",
        "Ada <ada@example.com>",
        "a" * 250 + "@example.com",
        # Three code points each once folded: longer than an address may be, and than the column.
        "\u0390" * 115 + "@example.com",
        "ada@" + "a." * 126 + "com",
        "a" * 60_000,
        "deleted:abc",
    ],
)
def test_what_is_no_address_opens_no_account(visitor: Client, email: str) -> None:
    visitor.email = email
    problem(visitor.register(), 400, "invalid_request")


@one_database
@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("quarry lantern", "too_short"),
        ("password12345678", "too_common"),
        ("aaaaaaaaaaaaaaaaaaaa", "too_common"),
        (EMAIL, "own_email"),
        (EMAIL.upper(), "own_email"),
        ("x" * 1025, "too_long"),
        ("\u00e9" * 513, "too_long"),
        # One letter each, as people count; NFC makes fourteen of these twenty-eight code points.
        ("e\u0301" * 14, "too_short"),
    ],
)
def test_weak_password(visitor: Client, password: str, reason: str) -> None:
    visitor.password = password
    body = problem(visitor.register(), 422, "weak_password")
    assert [found["code"] for found in body["reasons"]] == [reason]
    assert all(found["detail"] in body["detail"] for found in body["reasons"])


@pytest.mark.parametrize(
    "password",
    [
        "quarry lantern ",
        "quarry\x20lantern\x20umbrella",
        "\u0431\u0435\u043b\u044b\u0439 \u0447\u0430\u0439 umbrella nine",
        "".join(chr(0x1F400 + 7 * i * i % 61) for i in range(16)),
        "x7!" + "k" * 1021,
    ],
)
def test_any_character_and_any_length_up_to_the_limit(visitor: Client, password: str) -> None:
    visitor.password = password
    assert visitor.register().status_code == 201
    assert visitor.log_in().status_code == 200
    problem(visitor.log_in(password[:-1] + "?"), 401, "invalid_credentials")


def test_password_is_not_trimmed(visitor: Client) -> None:
    visitor.password = PASSWORD + " "
    visitor.register()
    problem(visitor.log_in(PASSWORD), 401, "invalid_credentials")
    assert visitor.log_in().status_code == 200


def test_two_keyboards_compose_the_same_password(visitor: Client) -> None:
    """NFC: the same letters, composed or not, are the same password; other letters are not."""
    visitor.password = "caf\u00e9 quarry lantern umbrella"
    visitor.register()
    assert visitor.log_in("cafe\u0301 quarry lantern umbrella").status_code == 200
    problem(visitor.log_in("cafe quarry lantern umbrella"), 401, "invalid_credentials")
    problem(visitor.log_in("\uff43af\u00e9 quarry lantern umbrella"), 401, "invalid_credentials")


def test_race_for_one_address(app: Flask) -> None:
    """Of several at once exactly one gets it; the unique index decides."""
    answers = at_once(5, lambda number: Client(app, ip=f"10.{number}.0.1").register())
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]


def test_extra_fields_change_nothing(app: Flask, visitor: Client) -> None:
    """Mass assignment: what the caller may not set is not read."""
    extra = {
        "id": "A" * 22,
        "user_id": "A" * 22,
        "password_hash": "x",
        "created_at": 1,
        "disabled_at": 1,
        "deleted_at": 1,
        "is_admin": True,
        "remember": True,
    }
    answer = visitor.ask("POST", "/auth/register", {"email": EMAIL, "password": PASSWORD, **extra})
    assert answer.status_code == 201
    assert answer.get_json()["user"]["id"] != "A" * 22
    body = {"email": EMAIL, "password": PASSWORD, "family_id": "B" * 22, "sub": "C" * 22}
    logged_in = Client(app).ask("POST", "/auth/login", body)
    assert logged_in.status_code == 200
    assert logged_in.get_json()["session"]["id"] != "B" * 22
    assert logged_in.get_json()["user"]["id"] == answer.get_json()["user"]["id"]
