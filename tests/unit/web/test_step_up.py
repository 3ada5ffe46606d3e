from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask, g

from app.tokens.claims import AccessTokenClaims
from app.web.caller import Caller
from app.web.guards import MARK, MAX_AGE, require_access
from app.web.step_up import InsufficientAuthentication, require_recent
from tests.support.app import services
from tests.support.clock import NOW
from tests.support.databases import one_database

CLAIMS = AccessTokenClaims("", "", "u" * 22, "s" * 22, "", NOW, NOW + 600, NOW)


def refused(app: Flask, auth_time: int, max_age: int, *, leeway: int = 5) -> bool:
    own = services(app)
    app.extensions["latchkey"] = replace(own, settings=replace(own.settings, clock_leeway=leeway))
    with app.test_request_context():
        g.caller = Caller("u" * 22, "s" * 22, auth_time, CLAIMS)
        try:
            require_recent(max_age)
        except InsufficientAuthentication as refusal:
            return refusal.max_age == max_age
        return False


@one_database
@pytest.mark.parametrize(
    ("ago", "max_age", "leeway", "is_refused"),
    [
        (0, 300, 5, False),
        (300, 300, 5, False),
        (305, 300, 5, False),
        (306, 300, 5, True),
        (300, 300, 0, False),
        (301, 300, 0, True),
        (0, 0, 0, False),
        (1, 0, 0, True),
        (5, 0, 5, False),
        (6, 0, 5, True),
        # The host that verified the password has a clock that is ahead.
        (-5, 300, 5, False),
        (-5, 0, 5, False),
    ],
)
def test_a_proof_is_recent_for_so_long(
    app: Flask,
    ago: int,
    max_age: int,
    leeway: int,
    is_refused: bool,  # noqa: FBT001
) -> None:
    """To the second, with the leeway of the clocks; 0 leaves the leeway alone."""
    assert refused(app, NOW - ago, max_age, leeway=leeway) is is_refused


def view() -> str:
    """Return a text."""
    return "seen"


def test_a_guard_says_what_it_asks_for() -> None:
    """The document of the API is made from it. Plain, it asks for no time."""
    guarded = require_access(max_age=300)(view)
    assert (getattr(guarded, MARK), getattr(guarded, MAX_AGE)) == ("required", 300)
    assert (guarded.__name__, guarded.__doc__) == ("view", "Return a text.")
    assert not hasattr(require_access(view), MAX_AGE)


def test_the_smallest_age_is_asked_for() -> None:
    """0 is not the absence of a limit."""
    assert getattr(require_access(max_age=0)(view), MAX_AGE) == 0


@pytest.mark.parametrize(
    "arguments", [{}, *({"max_age": x} for x in (None, -1, True, 1.5, "300"))]
)
def test_a_guard_without_a_number_of_seconds_is_refused(arguments: dict[str, Any]) -> None:
    """When the module is loaded: a guard that looks strict and is not would protect nothing."""
    decorate: Callable[..., Any] = require_access(**arguments)
    with pytest.raises(ValueError, match="write @require_access without parentheses"):
        decorate(view)
