"""POST /auth/register/finish: which passwords an account may begin with."""

import pytest

from tests.support.client import EMAIL, PASSWORD, Client, problem
from tests.support.databases import one_database
from tests.support.mail import registration_token


@pytest.fixture
def token(visitor: Client) -> str:
    return registration_token(visitor)


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
def test_a_weak_password_leaves_the_link(
    visitor: Client, token: str, password: str, reason: str
) -> None:
    visitor.password = password
    body = problem(visitor.finish_account(token), 422, "weak_password")
    assert [found["code"] for found in body["reasons"]] == [reason]
    assert all(found["detail"] in body["detail"] for found in body["reasons"])
    assert not visitor.cookies
    visitor.password = PASSWORD
    assert visitor.finish_account(token).status_code == 201


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
def test_any_character_and_any_length_up_to_the_limit(
    visitor: Client, token: str, password: str
) -> None:
    visitor.password = password
    assert visitor.finish_account(token).status_code == 201
    assert visitor.log_in().status_code == 200
    problem(visitor.log_in(password[:-1] + "?"), 401, "invalid_credentials")


@one_database
def test_password_is_not_trimmed(visitor: Client, token: str) -> None:
    visitor.password = PASSWORD + " "
    visitor.finish_account(token)
    problem(visitor.log_in(PASSWORD), 401, "invalid_credentials")
    assert visitor.log_in().status_code == 200


@one_database
def test_two_keyboards_compose_the_same_password(visitor: Client, token: str) -> None:
    """NFC: the same letters, composed or not, are the same password; other letters are not."""
    visitor.password = "caf\u00e9 quarry lantern umbrella"
    visitor.finish_account(token)
    assert visitor.log_in("cafe\u0301 quarry lantern umbrella").status_code == 200
    problem(visitor.log_in("cafe quarry lantern umbrella"), 401, "invalid_credentials")
    problem(visitor.log_in("\uff43af\u00e9 quarry lantern umbrella"), 401, "invalid_credentials")
