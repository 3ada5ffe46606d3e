from importlib import import_module

import pytest

from app import errors
from app.errors import InvalidCredentials, Refusal, SessionEnded, TooManyAttempts, WeakPassword

KINDS = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Refusal)
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.__name__))
def test_every_refusal_says_what_it_is(kind: type[Refusal]) -> None:
    assert 400 <= kind.status < 600
    assert kind.code.replace("_", "").isalpha()
    assert kind.code == kind.code.lower()
    assert kind.title
    assert kind.detail.endswith(".")


def test_all_codes_but_the_common_one_are_unique() -> None:
    codes = [kind.code for kind in KINDS if kind is not errors.InvalidRequest]
    assert len(codes) == len(set(codes))


def test_a_reason_is_for_the_record_and_never_in_the_detail() -> None:
    """To the client, reuse and expiry are the same refusal."""
    reused, expired = SessionEnded(reason="reuse"), SessionEnded(reason="expired")
    assert (reused.reason, expired.reason) == ("reuse", "expired")
    assert reused.detail == expired.detail == SessionEnded.detail
    assert str(reused) == "reuse"


def test_without_a_reason_the_code_stands_for_it() -> None:
    assert InvalidCredentials().reason == "invalid_credentials"


def test_a_detail_of_its_own_replaces_the_usual_one() -> None:
    assert errors.InvalidRequest("Name a field.").detail == "Name a field."


def test_a_refusal_can_say_when_to_come_back() -> None:
    assert TooManyAttempts(retry_after=30).retry_after == 30
    assert InvalidCredentials().retry_after is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (299, "5 minutes"),
        (300, "5 minutes"),
        (3600, "1 hour"),
        (3601, "2 hours"),
    ],
)
def test_the_time_is_in_the_detail(seconds: int, words: str) -> None:
    detail = TooManyAttempts(retry_after=seconds).detail
    assert detail == f"Too many attempts. Try again in {words}."


def every_refusal(kind: type[Refusal] = Refusal) -> list[type[Refusal]]:
    return [one for sub in kind.__subclasses__() for one in (sub, *every_refusal(sub))]


def test_the_time_is_said_once() -> None:
    """Also in the lab: what can be tried again says so by its `retry_after` alone."""
    import_module("app.dev.lab.whole_runs")
    again = {kind.code for kind in every_refusal() if "try again" in str(kind.detail).lower()}
    assert again == {"export_failed"}, "which does not say when"


def test_a_weak_password_names_every_reason() -> None:
    weak = WeakPassword([("too_short", "Longer."), ("too_common", "Rarer.")])
    assert weak.reasons == (("too_short", "Longer."), ("too_common", "Rarer."))
    assert weak.detail == "Longer. Rarer."
