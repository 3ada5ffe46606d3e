import re
import time
from collections.abc import Callable

import pytest
from limits import RateLimitItem

from app.errors import TooManyAttempts
from app.infra import buckets
from app.infra.throttle import Throttle
from app.services import build
from config import Settings
from tests.support.app import settle
from tests.support.at_once import at_once
from tests.support.clock import SettableClock
from tests.support.log import Log
from tests.support.servers.valkey import ValkeyServer
from tests.unit.infra.attempts import (
    ADA,
    EVE,
    HERE,
    THERE,
    allowed,
    from_many_places,
    on_many_accounts,
)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Only one: nothing here asks the database."""
    return sqlite_url


def test_each_account_allows_five_attempts(throttle: Throttle) -> None:
    assert allowed(from_many_places(throttle, ADA)) == 5
    assert allowed(from_many_places(throttle, EVE)) == 5


def test_each_address_allows_thirty_attempts(throttle: Throttle) -> None:
    assert allowed(on_many_accounts(throttle, HERE)) == 30
    assert allowed(on_many_accounts(throttle, THERE)) == 30


def test_a_known_browser_is_counted_apart(throttle: Throttle) -> None:
    assert allowed(from_many_places(throttle, ADA)) == 5
    assert allowed(from_many_places(throttle, ADA, "her-browser")) == 10
    assert allowed(from_many_places(throttle, ADA, "her-other-browser")) == 10


def test_a_known_browser_does_not_use_up_the_accounts_attempts(throttle: Throttle) -> None:
    assert allowed(from_many_places(throttle, ADA, "her-browser")) == 10
    assert allowed(from_many_places(throttle, ADA)) == 5


def test_registrations_are_limited_by_address(throttle: Throttle) -> None:
    assert allowed(lambda: throttle.register(HERE)) == 120
    assert allowed(on_many_accounts(throttle, HERE)) == 30
    assert allowed(lambda: throttle.register(THERE)) == 120


def test_refreshes_are_limited_by_family(throttle: Throttle) -> None:
    assert allowed(lambda: throttle.refresh("a" * 22)) == 1200
    throttle.refresh("b" * 22)


@pytest.mark.parametrize(
    ("name", "amounts"),
    [
        ("ACCOUNT", [(5, 300), (20, 3600)]),
        ("KNOWN_BROWSER", [(10, 300), (60, 3600)]),
        ("ADDRESS", [(30, 60), (300, 3600)]),
        ("SITE", [(120, 60), (1200, 3600)]),
        ("ALL_OF_ADDRESS", [(300, 60)]),
        ("ALL_OF_ACCOUNT", [(30, 60)]),
        ("REGISTRATIONS", [(120, 60), (1000, 3600)]),
        ("REFRESHES", [(1200, 60)]),
    ],
)
def test_the_limits_are_as_documented(name: str, amounts: list[tuple[int, int]]) -> None:
    """Attempts, and the seconds of the window they are counted in."""
    limits: tuple[RateLimitItem, ...] = getattr(buckets, name)
    assert [(limit.amount, limit.get_expiry()) for limit in limits] == amounts


def test_a_refusal_says_when_to_come_back(throttle: Throttle, clock: SettableClock) -> None:
    for _ in range(5):
        throttle.log_in(ADA, HERE)
    with pytest.raises(TooManyAttempts) as refused:
        throttle.log_in(ADA, HERE)
    assert refused.value.reason == "limit_account"
    assert refused.value.retry_after is not None
    late = time.time() - clock.now()  # the clock stands still while this test runs
    assert 290 <= refused.value.retry_after <= 301 + late


def test_the_reason_names_what_is_full(throttle: Throttle) -> None:
    """The audit record then tells guesses at one account from a flood from one address."""
    attempts: dict[str, Callable[[], object]] = {
        "limit_account": from_many_places(throttle, ADA),
        "limit_device": from_many_places(throttle, ADA, "her-browser"),
        "limit_address": on_many_accounts(throttle, HERE),
        "limit_register": lambda: throttle.register(HERE),
        "limit_refresh": lambda: throttle.refresh("a" * 22),
        "limit_email_change": lambda: throttle.email_change(ADA),
        "limit_export": lambda: throttle.export(ADA),
    }
    for reason, attempt in attempts.items():
        allowed(attempt)
        with pytest.raises(TooManyAttempts) as refused:
            attempt()
        assert refused.value.reason == reason


def test_what_an_account_asks_for_is_limited_by_account(throttle: Throttle) -> None:
    assert allowed(lambda: throttle.email_change(ADA)) == 3
    assert allowed(lambda: throttle.export(ADA)) == 5
    throttle.email_change("bob")
    throttle.export("bob")


def test_retry_after_is_at_least_a_second(throttle: Throttle, clock: SettableClock) -> None:
    """Also when the window has ended already."""
    for _ in range(5):
        throttle.log_in(ADA, HERE)
    clock.forward(1000)
    with pytest.raises(TooManyAttempts) as refused:
        throttle.log_in(ADA, HERE)
    assert refused.value.retry_after == 1


def test_the_longest_full_window_is_waited_for(throttle: Throttle, valkey: ValkeyServer) -> None:
    for _ in range(4):
        allowed(from_many_places(throttle, ADA))
        for key in valkey.client.scan_iter("*account*/5/5/minute"):
            valkey.client.delete(key)
    with pytest.raises(TooManyAttempts) as refused:
        throttle.log_in(ADA, HERE)
    assert refused.value.retry_after is not None
    assert refused.value.retry_after > 3000


def test_a_window_ends_by_itself(throttle: Throttle, valkey: ValkeyServer) -> None:
    allowed(from_many_places(throttle, ADA))
    keys = list(valkey.client.scan_iter("*account*"))
    assert len(keys) == 3
    before = {key: valkey.client.expiretime(key) for key in keys}
    allowed(from_many_places(throttle, ADA))
    assert {key: valkey.client.expiretime(key) for key in keys} == before
    assert all(0 < valkey.client.ttl(key) <= 3600 for key in keys)


def test_no_key_shows_whom_it_counts(throttle: Throttle, valkey: ValkeyServer) -> None:
    throttle.log_in(ADA, HERE)
    throttle.log_in(ADA, HERE, "her-browser")
    throttle.refresh("f" * 22)
    keys = " ".join(valkey.client.scan_iter("*"))
    assert re.match(r"latchkey:\{testing\.[0-9a-f]{12}\}:throttle", keys)
    assert not any(name in keys for name in ("ada", "example", HERE, "her-browser", "f" * 22))


def test_any_text_can_be_counted(throttle: Throttle) -> None:
    assert allowed(from_many_places(throttle, "\ud800")) == 5
    assert allowed(from_many_places(throttle, "\0")) == 5


NETWORKS = {
    "ipv6-same-64": ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True),
    "ipv6-other-64": ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
    "ipv6-spelling": ("2001:db8::1", "2001:0DB8:0:0:0:0:0:1", True),
    "v4-mapped": ("::ffff:192.0.2.1", "192.0.2.1", True),
    "v4-mapped-hexadecimal": ("::ffff:c000:201", "192.0.2.1", True),
    "v4-mapped-others": ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
    "ipv4-same": ("192.0.2.1", "192.0.2.1", True),
    "ipv4-neighbour": ("192.0.2.1", "192.0.2.2", False),
    "unix-socket": ("", "", True),
    "no-address": ("unknown", "192.0.2.1", False),
    "two-that-are-none": ("unknown", "_hidden", True),
    "ports": ("192.0.2.1:1111", "192.0.2.1:2222", True),
    "ipv6-ports": ("[2001:db8::1]:1111", "[2001:db8::1]:2222", True),
    "zones": ("fe80::1%eth0", "fe80::1%eth1", True),
}


@pytest.mark.parametrize(("first", "second", "same"), NETWORKS.values(), ids=NETWORKS.keys())
def test_what_one_visitor_cannot_leave_is_one_address(
    throttle: Throttle, first: str, second: str, *, same: bool
) -> None:
    assert allowed(on_many_accounts(throttle, first)) == 30
    assert allowed(on_many_accounts(throttle, second), 1) == (0 if same else 1)


def test_parallel_attempts_in_two_processes_cannot_exceed_the_limit(
    throttle: Throttle, settings: Settings, clock: SettableClock, valkey: ValkeyServer
) -> None:
    second = build(settings, clock)
    throttles = [throttle, second.auth.throttle]

    def attempt(number: int) -> int:
        return allowed(lambda: throttles[number % 2].log_in(ADA, f"10.0.0.{number}"), 3)

    assert sum(at_once(16, attempt)) == 5
    settle(second, valkey)


def test_without_redis_each_process_counts_for_itself(
    throttle: Throttle, valkey: ValkeyServer
) -> None:
    valkey.stop()
    throttle.record_success(throttle.log_in(ADA, HERE))
    throttle.refund(throttle.log_in(ADA, HERE))
    assert allowed(from_many_places(throttle, ADA)) == 5
    assert allowed(from_many_places(throttle, EVE)) == 5


def test_when_redis_is_back_it_counts_again(
    throttle: Throttle, valkey: ValkeyServer, clock: SettableClock
) -> None:
    valkey.stop()
    assert allowed(from_many_places(throttle, ADA)) == 5
    valkey.start()
    clock.forward(1)
    throttle.log_in(ADA, HERE)
    assert list(valkey.client.scan_iter("*account*"))


def test_a_failing_redis_is_asked_once_a_second(
    throttle: Throttle, valkey: ValkeyServer, clock: SettableClock
) -> None:
    """A log-in asks six times: it would wait for six timeouts."""
    valkey.stop()
    throttle.log_in(ADA, HERE)
    valkey.start()
    throttle.log_in(ADA, HERE)
    assert not list(valkey.client.scan_iter("*account*"))
    clock.forward(1)
    throttle.log_in(ADA, HERE)
    assert list(valkey.client.scan_iter("*account*"))


def test_an_outage_is_logged_once_a_minute(
    throttle: Throttle, valkey: ValkeyServer, clock: SettableClock, log_of: Callable[[str], Log]
) -> None:
    log = log_of("latchkey.throttle")
    throttle.refresh("f" * 22)
    valkey.stop()
    for _ in range(5):
        throttle.refresh("f" * 22)
        clock.forward(10)
    assert log.lines() == ["redis unreachable, limits are per worker: ConnectionError"]
    for seconds, lines in ((9, 1), (1, 2)):
        clock.forward(seconds)
        throttle.refresh("f" * 22)
        assert len(log.lines()) == lines
