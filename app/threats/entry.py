"""One entry of the catalogue: an attack, what stops it, and what shows that it does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An attack or a mistake, in plain words and with its evidence.

    `short` is the name for a cell of the home page: three words at most.
    `code` names where the defense lives, as `path:name`; `standards` are ids of ASVS 5.0 and
    RFC sections; `proofs` are test files. A test fails when any of them is gone.
    """

    slug: str
    name: str
    short: str
    attack: str
    needs: str
    defense: str
    detail: str
    code: tuple[str, ...]
    gap: str
    standards: tuple[str, ...]
    proofs: tuple[str, ...]
