"""Attacks that meet an obstacle prove nothing, and say what it was."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.attacks.attacked_account import Account
from app.attacks.context import AttackContext
from app.attacks.obstacles import Inconclusive
from app.attacks.password_change import new_password
from app.attacks.run import run
from app.attacks.target import Target
from app.web.cookies import REFRESH
from config import Settings
from tests.attacks.scripted import TOKEN_ANSWER, Scripted, Sequence
from tests.support.app import PUBLIC_URL
from tests.support.servers.valkey import ValkeyServer


@pytest.fixture
def server() -> Iterator[Scripted]:
    """A server that is no Latchkey."""
    server = Scripted()
    yield server
    server.stop()


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind: nothing here depends on it."""
    return sqlite_url


@pytest.fixture
def attack(server: Scripted, settings: Settings) -> Callable[[str], str]:
    """A function that runs an attack and returns why it was inconclusive."""

    def inconclusive(slug: str) -> str:
        done = run(slug, Target(server.url, settings), Account("ada@example.com", "a password"))
        assert done.verdict != "held"
        return done.why.strip()

    return inconclusive


@pytest.mark.parametrize(
    ("slug", "why"),
    [
        ("csrf-on-refresh", "owner could not log in: 404"),
        ("open-redirect", "/login shows no form"),
        ("clickjacking", ""),
        ("cache-leaks", "owner could not log in"),
        ("replay", "owner could not log in"),
    ],
)
def test_nothing_is_there(server: Scripted, settings: Settings, slug: str, why: str) -> None:
    """A server that knows none of it holds nothing."""
    done = run(slug, Target(server.url, settings), Account("ada@example.com", "a password"))
    assert done.verdict == ("inconclusive" if why else "got_through")
    assert why in done.why


def test_no_script_is_no_proof(server: Scripted, attack: Callable[[str], str]) -> None:
    """Pages without any script would pass for pages without bad ones."""
    server.log_in_works()
    server.answers["/auth/refresh"] = server.answers["/auth/login"]
    for page in ("/", "/login"):
        server.answers[page] = (200, "<p>nothing", {})
    assert "load no script" in attack("xss-token-theft")


def test_form_that_does_not_lead_on(server: Scripted, attack: Callable[[str], str]) -> None:
    """A log-in that answers no redirect cannot be followed."""
    form = '<input name="csrf_token" type="hidden" value="x">'
    server.answers["/login"] = (200, form, {})
    assert attack("open-redirect") == "the log-in form answered 200"


def test_log_in_that_fails_later(server: Scripted, attack: Callable[[str], str]) -> None:
    """Also the second log-in of an attack is looked at."""
    server.answers["/auth/login"] = (200, ["no object"], {})
    assert attack("cache-leaks") == "owner could not log in: 200"
    answers: Iterator[tuple[int, object, dict[str, str]]] = iter(
        [(200, TOKEN_ANSWER, {}), (503, {"code": "busy"}, {})]
    )

    class Later(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - dict's own
            return next(answers) if key == "/auth/login" else super().get(key, default)

    server.answers = Later(server.answers)
    assert attack("cache-leaks") == "the owner could not log in: 503 busy"


def test_attempts_that_are_used_up(server: Scripted, attack: Callable[[str], str]) -> None:
    """429 for everybody tells nothing of who has an account."""
    server.answers["/auth/login"] = (429, {"code": "too_many_attempts"}, {})
    assert "used up" in attack("account-enumeration")


@pytest.mark.parametrize("told", ["91", "3600", "", "soon"])
@pytest.mark.parametrize("slug", ["account-enumeration", "hashing-floods", "sidejacking"])
def test_a_long_wait_is_not_waited_for(
    server: Scripted, attack: Callable[[str], str], slug: str, told: str
) -> None:
    """Neither held nor got through: it proves nothing, and says why."""
    headers = {"Retry-After": told} if told else {}
    server.answers["/auth/login"] = (429, {"code": "too_many_attempts"}, headers)
    assert attack(slug).startswith("the attempts of this address are used up")


def test_a_wait_in_vain_proves_nothing(server: Scripted, attack: Callable[[str], str]) -> None:
    """Asked twice, and no more."""
    server.answers["/auth/login"] = (429, {"code": "too_many_attempts"}, {"Retry-After": "1"})
    assert "used up, also after a wait" in attack("hashing-floods")
    assert len(server.seen) == 2


def test_redis_out_of_reach(
    server: Scripted, attack: Callable[[str], str], valkey: ValkeyServer
) -> None:
    """Without it the denylist cannot be made to forget."""
    server.log_in_works()
    server.answers["/auth/logout"] = (204, "", {})
    server.answers["/api/me"] = (401, {"code": "invalid_token"}, {})
    valkey.stop()
    assert attack("denylist-loss").startswith("REDIS_URL does not answer")


def test_password_that_cannot_be_given_back(server: Scripted, settings: Settings) -> None:
    """Its owner is told the one that the account has now."""
    server.log_in_works()
    server.answers["/auth/password"] = (503, {"code": "busy"}, {})
    account = Account("ada@example.com", "a password", lasting=True)
    context = AttackContext(Target(server.url, settings), account)

    def change() -> None:
        with new_password(context) as new:
            account.password = new

    with pytest.raises(Inconclusive, match="could not be changed back: it is now “wander"):
        change()


def test_behind_a_proxy(server: Scripted, settings: Settings) -> None:
    """The client's address is what the proxies before the deployment would have written."""
    behind = replace(settings, trusted_proxies=2)
    context = AttackContext(Target(server.url, behind), Account("ada@example.com", "a password"))
    context.thief().me("x")
    sent = server.seen[0]
    if sys.platform == "linux":
        assert sent["X-Forwarded-For"] == f"{context.source}, 127.0.0.1"
    assert sent["Host"] == PUBLIC_URL.removeprefix("https://")


def test_only_one_address_to_come_from(server: Scripted, settings: Settings) -> None:
    """Through PUBLIC_URL, or over IPv6, every attack shares the client's own."""
    own = replace(settings, public_url="http://latchkey.invalid")
    assert Target("http://latchkey.invalid", own).another_address() == ""
    assert Target("http://[::1]:8000", settings).another_address() == ""
    target = Target(server.url, settings)
    object.__setattr__(target, "url", server.url.replace("127.0.0.1", "localhost"))
    assert target.is_local


def test_spraying_from_one_address_alone(
    server: Scripted, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be seen from there is said to be unseen."""
    server.answers["/auth/login"] = (429, {"code": "too_many_attempts"}, {})
    monkeypatch.setattr(Target, "another_address", lambda _self: "")
    target = Target(server.url, settings)
    done = run("password-spraying", target, Account("ada@example.com", "a password"))
    assert done.verdict == "held"
    assert "only one address" in str(done.record.steps[-1])


def test_transport_is_insisted_on_over_https(server: Scripted, settings: Settings) -> None:
    """Where PUBLIC_URL is https, its answers have to say so for two years."""
    server.log_in_works()
    done = run("sidejacking", Target(server.url, settings), Account("ada@example.com", "pass"))
    assert [finding.text for finding in done.record.findings][:1] == ["not so: HSTS: "]
    assert done.verdict == "got_through"


def test_visitor_without_a_key_proves_nothing(server: Scripted, settings: Settings) -> None:
    """And a host of one's own is sent as it is."""
    context = AttackContext(Target(server.url, settings), Account("ada@example.com", "pass"))
    with pytest.raises(Inconclusive, match="thief holds no key"):
        context.thief().prove("GET", "/api/me")
    context.thief().ask("GET", "/", headers={"Host": "elsewhere.example"})
    assert server.seen[-1]["Host"] == "elsewhere.example"


def test_cookie_that_is_taken_back_but_is_not_ours(server: Scripted, settings: Settings) -> None:
    """Only the refresh token's end is the end of a session."""
    context = AttackContext(Target(server.url, settings), Account("ada@example.com", "pass"))
    server.answers["/"] = (200, "", {"Set-Cookie": "__Host-Http-form=; Max-Age=0"})
    visitor = context.browser()
    visitor.jar["__Host-Http-form"] = "x"
    visitor.ask("GET", "/")
    assert visitor.jar == {}
    assert context.record.lineage.nodes == []


LIMITED: tuple[int, object, dict[str, str]] = (429, "Too many connections", {})


def test_a_limiter_in_front_is_no_silence(server: Scripted, attack: Callable[[str], str]) -> None:
    """It refuses everybody while one address has many connections: no thread is held by that."""
    server.answers = Sequence("/healthz", (200, "", {}), LIMITED)
    assert attack("slow-requests") == "Another request meanwhile: 429"


def test_a_server_that_stays_silent(
    server: Scripted, attack: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silent afterwards too, it may have another reason than the unfinished requests."""
    monkeypatch.setattr("app.attacks.slow_requests.SILENCE_SECONDS", 0.5)
    server.answers = silent = Sequence("/healthz", (200, "", {}), None)
    assert attack("slow-requests") == "no answer within 0.5 seconds"
    silent.over.set()


def test_a_limiter_in_front_is_no_starvation(
    server: Scripted, attack: Callable[[str], str]
) -> None:
    """An honest log-in that it refuses says nothing about the queue."""
    cookie = {"Set-Cookie": f"{REFRESH}=x.y.z; Path=/"}
    server.answers = Sequence("/auth/login", (200, TOKEN_ANSWER, cookie), LIMITED)
    assert attack("log-in-starvation") == "An honest log-in meanwhile: 429"


def test_an_attacker_without_accounts(
    server: Scripted, attack: Callable[[str], str], settings: Settings
) -> None:
    """Without them there is nothing to flood with."""
    server.log_in_works()
    Path(settings.database_url.removeprefix("sqlite:///")).unlink()
    why = "the attacker cannot have accounts: OperationalError"
    assert attack("log-in-starvation") == why


def test_starvation_from_one_address_alone(
    server: Scripted, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The known browser at that address is tried, and nothing is claimed of elsewhere."""
    server.log_in_works()
    monkeypatch.setattr(Target, "another_address", lambda _self: "")
    target = Target(server.url, settings)
    done = run("log-in-starvation", target, Account("ada@example.com", "a password"))
    assert (done.verdict, done.why, len(done.record.findings)) == ("held", "", 1)
    assert "only one address" in str(done.record.steps[-2])
