"""Thirty days of refresh without rotation: a token for weeks is a password nobody chose."""

from datetime import datetime

import pytest

from config import Settings, SettingsError
from tests.support.client import Client, ended
from tests.support.clock import SettableClock

DAY = 86400
LIFETIMES = (
    "REFRESH_IDLE_TTL",
    "REFRESH_ABSOLUTE_TTL",
    "REMEMBER_IDLE_TTL",
    "REMEMBER_ABSOLUTE_TTL",
)


def test_every_refresh_rotates(ada: Client, thief: Client) -> None:
    """No answer leaves the old token good; trying it ends the family."""
    ada.log_in(remember=True)
    seen = [ada.refresh_token]
    for _ in range(5):
        assert ada.refresh().status_code == 200
        assert ada.refresh_token not in seen
        seen.append(ada.refresh_token)
    assert ada.alive()

    ended(thief.refresh(seen[-1]))


@pytest.mark.parametrize("name", LIFETIMES)
def test_longer_lifetimes_do_not_start(environment: dict[str, str], name: str) -> None:
    for length in ("31d", "2592001", "90d", "0", "-1", "never"):
        with pytest.raises(SettingsError, match=name):
            Settings.from_env(environment | {name: length})

    assert Settings.from_env(environment | {name: "30d"}).env == "testing"


def test_there_is_no_switch(environment: dict[str, str]) -> None:
    fields = Settings.from_env(environment).__dataclass_fields__
    assert not [name for name in fields if "rotat" in name or "reuse" in name]


def test_rotation_extends_nothing(ada: Client, clock: SettableClock) -> None:
    """A month of daily use ends when it was said to end at the log-in."""
    told = ada.log_in(remember=True).get_json()["session"]["expires_at"]
    for _ in range(29):
        clock.forward(DAY)
        assert ada.refresh().get_json()["session"]["expires_at"] == told
    clock.forward(int(datetime.fromisoformat(told).timestamp()) - clock.now())

    ended(ada.refresh())
    assert ada.log_in().status_code == 200
