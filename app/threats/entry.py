"""One entry of the catalogue: an attack, what stops it, and what shows that it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Who = Literal["owner", "thief", "server"]
# What a step is about: a live credential, the attacker, a defense that holds, or none of them.
Kind = Literal["live", "thief", "safe", "plain"]
Step = tuple[Who, Who, str, Kind]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An attack or a mistake, in plain words and with its evidence.

    - `short` is the name for a cell of the home page: three words at most.
    - `stopped_by` and `remains` are `defense` and `gap` for a line of the index: at most five and
      six words. `remains` is "Nothing known" exactly when `gap` begins with that.
    - `code` names where the defense lives, as `path:name`; `standards` are ids of ASVS 5.0 and
      RFC sections; `proofs` are test files. A test fails when any of them is gone.
    - `line` is at most four lines of source of the defense, from the file of the first of `code`
      and without their common indentation; `without` is what a server without the defense has
      there. A test fails when the source no longer has `line`.
    - `steps` is the attack as a picture: who does something to whom, what, and of which kind. Who
      acts on itself does something that the others do not see. A text has at most 38 characters,
      which is what fits a narrow screen.
    """

    slug: str
    name: str
    short: str
    stopped_by: str
    remains: str
    attack: str
    needs: str
    defense: str
    detail: str
    code: tuple[str, ...]
    gap: str
    standards: tuple[str, ...]
    proofs: tuple[str, ...]
    line: tuple[str, ...]
    without: tuple[str, ...]
    steps: tuple[Step, ...]
