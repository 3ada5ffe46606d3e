"""The codecs as the application wires them, and the forgers of their tokens."""

from typing import Any

import pytest

from app.families.issuer import TokenIssuer
from app.infra.clock import Clock
from app.services import build
from app.tokens.codec import Codec
from app.tokens.jws import TokenRefused
from config import Settings
from tests.support.clock import NOW
from tests.support.forger import ACCESS, REFRESH, Forger


def refusal(codec: Codec[Any], token: str, now: int = NOW) -> str:
    """Return the reason for which a token is refused."""
    with pytest.raises(TokenRefused) as refused:
        codec.verify(token, now)
    return refused.value.reason


@pytest.fixture(scope="session")
def token_settings(base_environment: dict[str, str]) -> Settings:
    nobody = {"DATABASE_URL": "sqlite:////nowhere/latchkey.db", "REDIS_URL": "unix:///nowhere"}
    return Settings.from_env(base_environment | nobody)


@pytest.fixture(scope="session")
def issuer(token_settings: Settings) -> TokenIssuer:
    return build(token_settings, Clock()).auth.issuer


@pytest.fixture(scope="session")
def access_forger(token_settings: Settings) -> Forger:
    return Forger(token_settings, ACCESS, NOW)


@pytest.fixture(scope="session")
def refresh_forger(token_settings: Settings) -> Forger:
    return Forger(token_settings, REFRESH, NOW)
