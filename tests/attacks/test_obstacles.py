"""Attacks that meet an obstacle prove nothing, and say what it was."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.attacks import defenses
from app.attacks.attacked_account import Account
from app.attacks.context import AttackContext
from app.attacks.obstacles import Inconclusive
from app.attacks.password_change import new_password
from app.attacks.run import Run, run
from app.attacks.steps import Said
from app.attacks.target import Target
from app.web.cookies import REFRESH
from config import Settings
from tests.attacks.scripted import TOKEN_ANSWER, Answer, Scripted, Sequence
from tests.support.app import PUBLIC_URL
from tests.support.servers.valkey import ValkeyServer

Attack = Callable[[str], Run]
Why = Callable[[str], str]
LIMITED: Answer = (429, "Too many connections", {})


@pytest.fixture
def server() -> Iterator[Scripted]:
    server = Scripted()
    yield server
    server.stop()


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def context(server: Scripted, settings: Settings) -> AttackContext:
    return AttackContext(Target(server.url, settings), Account("ada@example.com", "a password"))


@pytest.fixture
def attack(context: AttackContext) -> Attack:
    return lambda slug: run(slug, context.target, context.account)


@pytest.fixture
def why(attack: Attack) -> Why:
    """Run an attack that does not hold, and return why."""

    def reason(slug: str) -> str:
        done = attack(slug)
        assert done.verdict != "held"
        return done.why.strip()

    return reason


@pytest.fixture
def _one_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Target, "another_address", lambda _self: "")


def used_up(**headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return 429, {"code": "too_many_attempts"}, named


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
def test_nothing_is_there(attack: Attack, slug: str, why: str) -> None:
    done = attack(slug)
    assert done.verdict == ("inconclusive" if why else "got_through")
    assert why in done.why


def test_no_script_is_no_proof(server: Scripted, why: Why) -> None:
    """Pages without any script would pass for pages without bad ones."""
    server.log_in_works()
    server.answers["/auth/refresh"] = server.answers["/auth/login"]
    for page in ("/", "/login"):
        server.answers[page] = (200, "<p>nothing", {})
    assert "load no script" in why("xss-token-theft")


def test_form_that_does_not_lead_on(server: Scripted, why: Why) -> None:
    form = '<input name="csrf_token" type="hidden" value="x">'
    server.answers["/login"] = (200, form, {})
    assert why("open-redirect") == "the log-in form answered 200"


def test_log_in_that_fails_later(server: Scripted, why: Why) -> None:
    server.answers["/auth/login"] = (200, ["no object"], {})
    assert why("cache-leaks") == "owner could not log in: 200"
    busy: Answer = (503, {"code": "busy"}, {})
    server.answers = Sequence("/auth/login", (200, TOKEN_ANSWER, {}), busy)
    assert why("cache-leaks") == "the owner could not log in: 503 busy"


@pytest.mark.parametrize("told", ["91", "3600", "", "soon"])
@pytest.mark.parametrize("slug", ["account-enumeration", "hashing-floods", "sidejacking"])
def test_a_long_wait_is_not_waited_for(server: Scripted, why: Why, slug: str, told: str) -> None:
    server.answers["/auth/login"] = used_up(Retry_After=told) if told else used_up()
    assert why(slug).startswith("the attempts of this address are used up")


def test_a_deployment_without_mail(server: Scripted, attack: Attack) -> None:
    """What is refused to everybody tells nothing, and is not called a defense."""
    server.log_in_works()
    server.answers["/api/me"] = (200, {}, {})
    for path in ("/auth/register", "/auth/reset"):
        server.answers[path] = (403, {"code": "mail_off"}, {})
    done = attack("account-enumeration")
    said = [step.text for step in done.record.steps if isinstance(step, Said)]
    assert said.count("This deployment sends no mail, so there is nothing to ask for.") == 2
    assert defenses.ASKED_MAIL not in {finding.by for finding in done.record.findings}


@pytest.mark.parametrize(
    "slug", ["scanned-links", "stale-links", "mail-flooding", "account-squatting"]
)
def test_an_attack_on_mail_where_none_is_sent(server: Scripted, attack: Attack, slug: str) -> None:
    for path in ("/auth/register", "/auth/reset"):
        server.answers[path] = (403, {"code": "mail_off"}, {})
    done = attack(slug)
    assert done.verdict == "skipped"
    assert done.why == "the deployment sends no mail (MAIL_URL is none)"


def test_a_message_that_is_not_written_proves_nothing(server: Scripted, why: Why) -> None:
    server.answers["/auth/reset"] = (202, {}, {})
    said = "no message was written to ada@example.com: its limit may be used up"
    assert why("stale-links") == said


def test_a_form_that_is_broken_proves_nothing(server: Scripted, why: Why) -> None:
    server.log_in_works()
    server.answers["/api/me"] = (200, {}, {})
    server.answers["/auth/register"] = (503, {"code": "unavailable"}, {})
    assert why("account-enumeration") == "Registration: 503 unavailable"


def test_a_wait_in_vain_proves_nothing(server: Scripted, why: Why) -> None:
    server.answers["/auth/login"] = used_up(Retry_After="1")
    assert "used up, also after a wait" in why("hashing-floods")
    assert len(server.seen) == 2


def test_redis_out_of_reach(server: Scripted, why: Why, valkey: ValkeyServer) -> None:
    server.log_in_works()
    server.answers["/auth/logout"] = (204, "", {})
    server.answers["/api/me"] = (401, {"code": "invalid_token"}, {})
    valkey.stop()
    assert why("denylist-loss").startswith("REDIS_URL does not answer")


def test_password_that_cannot_be_given_back(server: Scripted, settings: Settings) -> None:
    server.log_in_works()
    server.answers["/auth/password"] = (503, {"code": "busy"}, {})
    account = Account("ada@example.com", "a password", lasting=True)

    def change() -> None:
        with new_password(AttackContext(Target(server.url, settings), account)) as new:
            account.password = new

    with pytest.raises(Inconclusive, match="could not be changed back: it is now “wander"):
        change()


def test_behind_a_proxy(server: Scripted, settings: Settings) -> None:
    behind = replace(settings, trusted_proxies=2)
    context = AttackContext(Target(server.url, behind), Account("ada@example.com", "a password"))
    context.thief().me("x")
    sent = server.seen[0]
    if sys.platform == "linux":
        assert sent["X-Forwarded-For"] == f"{context.source}, 127.0.0.1"
    assert sent["Host"] == PUBLIC_URL.removeprefix("https://")


def test_only_one_address_to_come_from(server: Scripted, settings: Settings) -> None:
    own = replace(settings, public_url="http://latchkey.invalid")
    assert Target("http://latchkey.invalid", own).another_address() == ""
    assert Target("http://[::1]:8000", settings).another_address() == ""
    target = Target(server.url, settings)
    object.__setattr__(target, "url", server.url.replace("127.0.0.1", "localhost"))
    assert target.is_local


@pytest.mark.usefixtures("_one_address")
def test_spraying_from_one_address_alone(server: Scripted, attack: Attack) -> None:
    server.answers["/auth/login"] = used_up()
    done = attack("password-spraying")
    assert done.verdict == "held"
    assert "only one address" in str(done.record.steps[-1])


def test_transport_is_insisted_on_over_https(server: Scripted, attack: Attack) -> None:
    server.log_in_works()
    done = attack("sidejacking")
    assert [finding.text for finding in done.record.findings][:1] == ["not so: HSTS: "]
    assert done.verdict == "got_through"


def test_visitor_without_a_key_proves_nothing(server: Scripted, context: AttackContext) -> None:
    with pytest.raises(Inconclusive, match="thief holds no key"):
        context.thief().prove("GET", "/api/me")
    context.thief().ask("GET", "/", headers={"Host": "elsewhere.example"})
    assert server.seen[-1]["Host"] == "elsewhere.example"


def test_end_of_another_cookie_ends_no_session(server: Scripted, context: AttackContext) -> None:
    server.answers["/"] = (200, "", {"Set-Cookie": "__Host-Http-form=; Max-Age=0"})
    visitor = context.browser()
    visitor.jar["__Host-Http-form"] = "x"
    visitor.ask("GET", "/")
    assert visitor.jar == {}
    assert context.record.lineage.nodes == []


def test_a_limiter_in_front_is_no_silence(server: Scripted, why: Why) -> None:
    server.answers = Sequence("/healthz", (200, "", {}), LIMITED)
    assert why("slow-requests") == "Another request meanwhile: 429"


def test_a_server_that_stays_silent(
    server: Scripted, why: Why, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.attacks.slow_requests.SILENCE_SECONDS", 0.5)
    server.answers = silent = Sequence("/healthz", (200, "", {}), None)
    assert why("slow-requests") == "no answer within 0.5 seconds"
    silent.over.set()


def test_a_limiter_in_front_is_no_starvation(server: Scripted, why: Why) -> None:
    cookie = {"Set-Cookie": f"{REFRESH}=x.y.z; Path=/"}
    server.answers = Sequence("/auth/login", (200, TOKEN_ANSWER, cookie), LIMITED)
    assert why("log-in-starvation") == "An honest log-in meanwhile: 429"


def test_an_attacker_without_accounts(server: Scripted, why: Why, settings: Settings) -> None:
    server.log_in_works()
    Path(settings.database_url.removeprefix("sqlite:///")).unlink()
    said = "the attacker cannot have accounts: OperationalError"
    assert why("log-in-starvation") == said


@pytest.mark.usefixtures("_one_address")
def test_starvation_from_one_address_alone(server: Scripted, attack: Attack) -> None:
    """The known browser at that address is tried, and nothing is claimed of elsewhere."""
    server.log_in_works()
    done = attack("log-in-starvation")
    assert (done.verdict, done.why, len(done.record.findings)) == ("held", "", 1)
    assert "only one address" in str(done.record.steps[-2])
