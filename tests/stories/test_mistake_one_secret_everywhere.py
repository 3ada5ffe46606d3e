"""The same secret in every environment: whoever reads staging's signs tokens for production."""

import pytest

from app.settings.secret_strength import PUBLISHED_KEYS
from config import Settings, SettingsError
from tests.support.app import clock_of, running
from tests.support.client import Client, claims, ended, problem, program
from tests.support.forger import compact, header

BAD_SECRETS = (
    ("c2VjcmV0", "needs at least 32"),
    ("a" * 64, "repeats itself"),
    ("00" * 32, "repeats itself"),
    ("0123456789abcdef" * 4, "repeats itself"),
    (PUBLISHED_KEYS[0], "published example"),
    ("correct-horse-battery-staple-correct-horse-battery-staples", "is made of words"),
    ("not base64, and no hex either", "neither hex nor base64"),
)


@pytest.mark.parametrize(
    "changed", [{"APP_ENV": "staging"}, {"APP_ENV": "production"}], ids=["staging", "production"]
)
def test_copied_secret(environment: dict[str, str], ada: Client, changed: dict[str, str]) -> None:
    """Same secret, same database, same address, another environment: its tokens are foreign."""
    with running(environment, clock_of(ada.app), **changed) as app:
        stranger = program(app)
        problem(stranger.me(ada.access_token), 401, "invalid_token")
        ended(stranger.refresh(ada.refresh_token))
        # There, Ada logs in and gets tokens of that environment, worth nothing here.
        there = Client(app)
        assert there.log_in().status_code == 200
        assert there.me().status_code == 200
        problem(program(ada.app).me(there.access_token), 401, "invalid_token")
    assert ada.alive()


def test_secret_itself_signs_nothing(
    environment: dict[str, str], ada: Client, thief: Client
) -> None:
    """Every purpose has a key of its own: even JWT_SECRET in hand is not yet a signing key."""
    secret = Settings.from_env(environment).jwt_secret
    head, payload = header(ada.access_token), claims(ada.access_token)

    for key in (secret, environment["JWT_SECRET"].encode()):
        problem(thief.me(compact(head, payload, key)), 401, "invalid_token")

    assert ada.me().status_code == 200


def test_bad_secret(environment: dict[str, str]) -> None:
    """What a person could remember or a tutorial prints refuses to start, and is not repeated."""
    for secret, wrong in BAD_SECRETS:
        with pytest.raises(SettingsError) as refused:
            Settings.from_env(environment | {"JWT_SECRET": secret})
        assert "JWT_SECRET" in str(refused.value)
        assert wrong in str(refused.value)
        assert secret not in str(refused.value)

    assert Settings.from_env(environment).jwt_secret


def test_two_purposes_one_secret(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="SECRET_KEY equals JWT_SECRET"):
        Settings.from_env(environment | {"SECRET_KEY": environment["JWT_SECRET"]})
