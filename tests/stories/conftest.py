"""The people of the stories are those of tests/http."""

from __future__ import annotations

from tests.http.conftest import ada, app, clock, thief

__all__ = ["ada", "app", "clock", "thief"]
