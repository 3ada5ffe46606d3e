"""The tokens of links: what is altered, swapped, old or of another deployment opens nothing."""

from dataclasses import replace

import pytest

from app.accounts.models import User
from app.mail.links import FUTURE_SECONDS, HOUR, Links, parse
from app.mail.models import Kind, Mail
from app.tokens.keys import KeyRing, key_ring
from tests.support.clock import NOW

SECRET, FORMER = b"s" * 32, b"f" * 32
USER = User("u" * 22, "ada@example.com", "hash", NOW, NOW, None, None)
MAIL = Mail("m" * 22, Kind.RESET, USER.id, NOW, USER.email, "192.0.2.1", "curl", NOW, NOW)
NOTICE = replace(MAIL, kind=Kind.PASSWORD_CHANGED)


def ring(secret: bytes = SECRET, *previous: bytes, issuer: str = "https://a.example") -> KeyRing:
    return key_ring(secret, previous, env="testing", issuer=issuer, purpose="mailed link")


LINKS = Links(ring())


def opens(token: str, mail: Mail = MAIL, user: User | None = USER, now: int = NOW) -> bool:
    link = parse(token)
    return link is not None and LINKS.is_valid(link, mail, user, now)


def test_a_link_opens_what_it_was_made_for() -> None:
    assert opens(LINKS.token(MAIL, USER, NOW))


@pytest.mark.parametrize(
    "mail",
    [
        replace(MAIL, id="n" * 22),
        replace(MAIL, kind=Kind.PASSWORD_CHANGED),
        replace(MAIL, kind=Kind.NO_ACCOUNT),
        replace(MAIL, kind="of another release"),
        replace(MAIL, user_id="v" * 22),
        replace(MAIL, user_id=None),
        replace(MAIL, address="eve@example.com"),
        replace(MAIL, spent_at=NOW),
    ],
)
def test_not_what_another_row_is_about(mail: Mail) -> None:
    assert not opens(LINKS.token(MAIL, USER, NOW), mail)


@pytest.mark.parametrize(
    "changed", [{"password_changed_at": NOW + 1}, {"email": "eve@example.com"}]
)
def test_not_after_a_change_of_the_account(changed: dict[str, object]) -> None:
    user = replace(USER, **changed)  # type: ignore[arg-type]
    assert not opens(LINKS.token(MAIL, USER, NOW), user=user)
    assert opens(LINKS.token(NOTICE, USER, NOW), NOTICE, user)


def test_every_altered_character_is_noticed() -> None:
    token = LINKS.token(MAIL, USER, NOW)
    for at, char in enumerate(token):
        other = "1" if char != "1" else "2"
        assert not opens(token[:at] + other + token[at + 1 :])


@pytest.mark.parametrize(
    ("later", "works"),
    [(-FUTURE_SECONDS - 1, 0), (-FUTURE_SECONDS, 1), (HOUR - 1, 1), (HOUR, 0)],
)
def test_a_link_has_its_time(later: int, works: int) -> None:
    assert opens(LINKS.token(MAIL, USER, NOW), now=NOW + later) == bool(works)


@pytest.mark.parametrize(
    "text",
    ["", ".", "...", "a" * 1000, "é" * 80, f"{'a' * 12}.{'b' * 22}.{'1' * 13}.{'c' * 43}"],
)
def test_what_is_no_token_is_none(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize("suffix", ["\n", " ", ".", "="])
def test_nothing_follows_a_token(suffix: str) -> None:
    assert parse(LINKS.token(MAIL, USER, NOW) + suffix) is None


def test_a_link_from_before_a_change_of_the_secret() -> None:
    link = parse(Links(ring(FORMER)).token(MAIL, USER, NOW))
    assert link
    assert Links(ring(SECRET, FORMER)).is_valid(link, MAIL, USER, NOW)
    assert not LINKS.is_valid(link, MAIL, USER, NOW)


def test_a_link_of_another_deployment() -> None:
    """With the same secret, such as staging's copy of production's."""
    assert not opens(Links(ring(issuer="https://b.example")).token(MAIL, USER, NOW))
