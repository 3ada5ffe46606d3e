"""The account that an attack is about."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Account:
    """An address and its present password, which attacks update when they change it.

    A `lasting` account belongs to a person and gets its password back; others are erased.
    """

    email: str
    password: str = field(repr=False)
    lasting: bool = False

    @property
    def credentials(self) -> dict[str, str]:
        """What a log-in form or request body contains."""
        return {"email": self.email, "password": self.password}
