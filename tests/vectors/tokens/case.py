"""A hostile token and why it is refused."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.support.forger import Forger


@dataclass(frozen=True)
class Case:
    """One hostile token.

    `only` names the purpose it is about, both when empty. `cookie` is false where a Cookie
    header would change the text on its way, for instance trim it.
    """

    name: str
    reason: str
    build: Callable[[Forger], str]
    only: str = ""
    cookie: bool = True
