"""What a success gives back, and what it does not."""

from collections.abc import Callable

import pytest

from app.errors import TooManyAttempts
from app.infra.throttle import Throttle
from tests.support.databases import one_database
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

pytestmark = one_database


def test_a_success_forgives_the_failures_of_the_account(throttle: Throttle) -> None:
    for _ in range(4):
        throttle.log_in(ADA, HERE)
    throttle.record_success(throttle.log_in(ADA, HERE))
    assert allowed(from_many_places(throttle, ADA)) == 5


def test_a_success_does_not_clear_the_address(throttle: Throttle) -> None:
    """Otherwise an attacker could go on guessing after each log-in to an own account."""
    next_one = on_many_accounts(throttle, HERE)
    for _ in range(20):
        next_one()
    for _ in range(25):
        throttle.record_success(throttle.log_in(EVE, HERE))
    assert allowed(next_one) == 10


def test_people_behind_one_address_do_not_shut_each_other_out(throttle: Throttle) -> None:
    for number in range(100):
        throttle.record_success(throttle.log_in(f"user{number}@example.com", HERE))


def test_an_attempt_that_never_reached_the_password_is_given_back(throttle: Throttle) -> None:
    """The server was busy, so nothing was guessed; the network is charged all the same."""
    for _ in range(25):
        throttle.refund(throttle.log_in(ADA, HERE))
    assert allowed(from_many_places(throttle, ADA)) == 5
    assert allowed(on_many_accounts(throttle, HERE)) == 5


def test_a_refused_address_uses_up_no_attempts_of_an_account(throttle: Throttle) -> None:
    allowed(on_many_accounts(throttle, HERE))
    for _ in range(40):
        with pytest.raises(TooManyAttempts) as refused:
            throttle.log_in(ADA, HERE)
        assert refused.value.reason == "limit_address"
    assert allowed(from_many_places(throttle, ADA)) == 5


def test_a_network_that_was_counted_is_not_counted_again(throttle: Throttle) -> None:
    """It is counted before the account is known."""
    for _ in range(25):
        throttle.network(HERE)
        throttle.record_success(throttle.log_in(ADA, HERE, network_counted=True))
    assert allowed(lambda: throttle.network(HERE)) == 30


def test_neighbours_and_a_known_browser_use_up_nothing_of_each_other(throttle: Throttle) -> None:
    assert allowed(on_many_accounts(throttle, HERE)) == 30
    assert allowed(lambda: throttle.log_in(ADA, HERE, "her-browser")) == 10
    assert allowed(lambda: throttle.log_in(EVE, THERE, "their-browser")) == 10
    assert allowed(on_many_accounts(throttle, THERE)) == 30


def test_an_ipv6_customer_has_one_limit_for_all_networks(throttle: Throttle) -> None:
    """A /48 has 65,536 networks."""
    places = (f"2001:db8:1:{number:x}::1" for number in range(60_000))
    accounts = (f"user{number}@example.com" for number in range(60_000))
    assert allowed(lambda: throttle.log_in(next(accounts), next(places))) == 120
    throttle.log_in(ADA, "2001:db8:2::1")
    with pytest.raises(TooManyAttempts) as refused:
        throttle.log_in(ADA, "2001:db8:1:ffff::1")
    assert refused.value.reason == "limit_site"


def test_right_passwords_of_one_account_are_counted_too(throttle: Throttle) -> None:
    def log_in(device: str = "") -> Callable[[], object]:
        places = (f"10.1.{number}.1" for number in range(250))
        return lambda: throttle.record_success(throttle.log_in(ADA, next(places), device))

    for device, reason in (("", "limit_all_account"), ("her-browser", "limit_all_device")):
        assert allowed(log_in(device), 200) == 30
        with pytest.raises(TooManyAttempts) as refused:
            log_in(device)()
        assert refused.value.reason == reason


def test_known_browsers_of_one_account_are_counted_together(throttle: Throttle) -> None:
    """Somebody who knows the password can make any number of them."""
    marks = (f"mark-{number}" for number in range(60_000))
    assert allowed(lambda: throttle.record_success(throttle.log_in(ADA, HERE, next(marks)))) == 30
    with pytest.raises(TooManyAttempts) as refused:
        throttle.log_in(ADA, THERE, next(marks))
    assert refused.value.reason == "limit_all_device"
    throttle.log_in(EVE, HERE, next(marks))


def test_right_passwords_of_one_address_are_counted_too(throttle: Throttle) -> None:
    """Otherwise log-ins to own accounts would keep the server hashing."""
    accounts = (f"own{number}@example.com" for number in range(60_000))
    assert allowed(lambda: throttle.record_success(throttle.log_in(next(accounts), HERE))) == 300
    with pytest.raises(TooManyAttempts) as refused:
        throttle.log_in(ADA, HERE)
    assert refused.value.reason == "limit_all_address"
    assert allowed(from_many_places(throttle, ADA)) == 5


def test_a_refusal_of_right_passwords_is_no_failure(throttle: Throttle) -> None:
    for _ in range(30):
        throttle.record_success(throttle.log_in(ADA, HERE, "her-browser"))
    for _ in range(20):
        with pytest.raises(TooManyAttempts) as refused:
            throttle.log_in(ADA, HERE, "her-browser")
        assert refused.value.reason == "limit_all_device"


def test_giving_back_after_the_window_lasts_no_longer(
    throttle: Throttle, valkey: ValkeyServer
) -> None:
    """A counter that had expired meanwhile would otherwise return without an expiry."""
    buckets = throttle.log_in(ADA, HERE)
    valkey.flush()
    throttle.refund(buckets)
    assert all(valkey.client.ttl(key) > 0 for key in valkey.client.scan_iter("*"))


def test_a_full_limit_refuses_the_right_password_too(throttle: Throttle) -> None:
    """Otherwise the answer would tell that a guess was right."""
    assert allowed(lambda: throttle.log_in(ADA, HERE)) == 5
    with pytest.raises(TooManyAttempts):
        throttle.log_in(ADA, THERE)
