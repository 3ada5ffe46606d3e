"""What a feature of a product adds to Latchkey."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from flask import Blueprint
from sqlalchemy import Connection


@dataclass(frozen=True)
class Tab:
    """A tab of the account pages: the page's endpoint, its fragment's endpoint, and its label.

    The fragment names its script in `data-view`: a file of a feature's or of Latchkey's static
    folder. docs/browser-module.md says what the script has to export.
    """

    label: str
    page: str
    fragment: str


@dataclass(frozen=True)
class Feature:
    """One part of a product; each field but `blueprints` may stay empty.

    `delete_rows` deletes what the feature stores of a user. It runs in the transaction that erases
    the account: when it raises, the account stays.

    `claims` names further claims of the access token and their types. `claims_of` returns their
    values for a user id; it runs at each log-in and refresh, so it should cost one query at most.
    A claim that it leaves out is not in the token.
    """

    blueprints: tuple[Blueprint, ...]
    tabs: tuple[Tab, ...] = ()
    delete_rows: Callable[[Connection, str], None] | None = None
    claims: Mapping[str, type[str | int]] = field(default_factory=dict)
    claims_of: Callable[[str], Mapping[str, str | int]] | None = None
