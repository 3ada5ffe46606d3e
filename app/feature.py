"""The declaration of a feature: what a product adds to Latchkey (docs/build-on-it.md).

`app.features` loads the features; `app.services`, `app.pages` and `app.auth` use what they add.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from flask import Blueprint
from sqlalchemy import Connection


@dataclass(frozen=True)
class Tab:
    """A tab of the account pages: its label, and the endpoints of its page and its fragment.

    The fragment names its script in `data-view`, as a file in the static folder of Latchkey or of
    a feature. docs/browser-module.md says what the script must export.
    """

    label: str
    page: str
    fragment: str


@dataclass(frozen=True)
class Feature:
    """One part of a product. Only `blueprints` is required.

    - `blueprints` and `tabs` are its routes and its tabs in the account pages.
    - `delete_rows` takes a connection and a user id and deletes what the feature stores of the
      user. It runs in the transaction that deletes the account, whose row is locked; when it
      raises, nothing is deleted. What a foreign key with ON DELETE CASCADE deletes needs none. A
      row that still refers to the account afterwards keeps it, and its table is named.
    - `export_rows` takes a connection and a user id and returns, as JSON, what the feature stores
      of the user: for the file of all their data, under the feature's `name`. It returns many rows
      as an iterator, so that they are never in memory together. It may only read. When it raises,
      there is no file.
    - `claims` maps the names of additional claims of the access token to their types.
    - `claims_of` takes a user id and returns the values of these claims; a claim that it omits is
      not in the token. It runs at each log-in and refresh, so it should make one query at most.
    """

    blueprints: tuple[Blueprint, ...]
    tabs: tuple[Tab, ...] = ()
    delete_rows: Callable[[Connection, str], None] | None = None
    export_rows: Callable[[Connection, str], object] | None = field(default=None, kw_only=True)
    claims: Mapping[str, type[str | int]] = field(default_factory=dict)
    claims_of: Callable[[str], Mapping[str, str | int]] | None = None

    @property
    def name(self) -> str:
        """The name of its first blueprint, which is unique in an application."""
        return self.blueprints[0].name

    def values_for(self, user_id: str) -> Mapping[str, str | int]:
        """Return the claims of a user, as `claims_of` gives them.

        Raises:
            TypeError: when a claim is not in `claims` or not of the type there. A token with it
                would be issued, and every request with that token refused.

        """
        values = self.claims_of(user_id) if self.claims_of else {}
        for name, value in values.items():
            if type(value) is not self.claims.get(name):
                raise TypeError(f"claims_of returned {name!r} with another type than `claims` has")
        return values
