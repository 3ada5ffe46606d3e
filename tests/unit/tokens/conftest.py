"""Each type of token: its codec as the application wires it, and a forger who has its key."""

from dataclasses import dataclass
from typing import Any

import pytest

from app.infra.clock import Clock
from app.services import build
from app.tokens.codec import Codec
from app.tokens.jws import TokenRefused
from config import Settings
from tests.support.clock import NOW
from tests.support.forger import ACCESS, REFRESH, Forger


@dataclass(frozen=True)
class Tokens:
    """One type of token."""

    codec: Codec[Any]
    forger: Forger

    def saying(self, **changed: object) -> str:
        """Sign good claims with these changes."""
        return self.forger.forge(claims=self.forger.claims() | changed)

    def verify(self, token: str, now: int = NOW) -> Any:  # noqa: ANN401 - the claims of this type
        return self.codec.verify(token, now)

    def refusal(self, token: str, now: int = NOW) -> str:
        """Return the reason for which a token is refused."""
        with pytest.raises(TokenRefused) as refused:
            self.verify(token, now)
        return refused.value.reason


@pytest.fixture(scope="session")
def token_settings(base_environment: dict[str, str]) -> Settings:
    nobody = {"DATABASE_URL": "sqlite:////nowhere/latchkey.db", "REDIS_URL": "unix:///nowhere"}
    return Settings.from_env(base_environment | nobody)


@pytest.fixture(scope="session")
def access(token_settings: Settings) -> Tokens:
    codec = build(token_settings, Clock()).auth.issuer.access
    return Tokens(codec, Forger(token_settings, ACCESS, NOW))


@pytest.fixture(scope="session")
def refresh(token_settings: Settings) -> Tokens:
    codec = build(token_settings, Clock()).auth.issuer.refresh
    return Tokens(codec, Forger(token_settings, REFRESH, NOW))
