"""Why an attack can end without a verdict on the defense."""

from __future__ import annotations


class Inconclusive(Exception):
    """The attack could not be carried out; `str()` says what prevented it."""


class Missing(Exception):
    """The attack needs something that was not given; `str()` says what."""
