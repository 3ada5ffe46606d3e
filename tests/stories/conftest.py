"""The people of the stories are those of tests/http."""

from __future__ import annotations

from tests.http.conftest import ada, thief

__all__ = ["ada", "thief"]
