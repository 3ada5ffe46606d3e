"""The holder of a key, and a hostile proof by it."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.attacks.prover import Prover, base64url, token_hash
from app.tokens.nonces import Nonces
from tests.support.forger import compact_json

# Two doors: the refresh asks for no `ath`, a protected request does.
REFRESH = "refresh"

PROTECTED = "protected"

JTI = "a-good-number-of-a-proof"

# SEC 2 section 2.4.2: the field of P-256, its order, its generator.
FIELD = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

GENERATOR = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)


@dataclass(frozen=True)
class Maker:
    """The holder of a key at one door of one server, and what a good proof says there at `now`."""

    prover: Prover
    nonces: Nonces
    now: int
    method: str = "POST"
    url: str = "https://localhost/auth/refresh"
    access_token: str | None = None
    jti: str = JTI

    @property
    def ath(self) -> str | None:
        return None if self.access_token is None else token_hash(self.access_token)

    def header(self) -> dict[str, Any]:
        return self.prover.header()

    def claims(self) -> dict[str, Any]:
        said = {
            "jti": self.jti,
            "htm": self.method,
            "htu": self.url,
            "iat": self.now,
            "nonce": self.nonces.current(self.now),
        }
        return said if self.ath is None else said | {"ath": self.ath}

    def forge(
        self,
        header: Mapping[str, Any] | bytes | None = None,
        claims: Mapping[str, Any] | bytes | None = None,
        sign: Callable[[str], bytes] | None = None,
    ) -> str:
        """Sign whatever is given; what is not given is good."""
        first = base64url(compact_json(self.header() if header is None else header))
        second = base64url(compact_json(self.claims() if claims is None else claims))
        signed = f"{first}.{second}"
        return f"{signed}.{base64url((sign or self.prover.signature)(signed))}"

    def sign(self, signed: str) -> str:
        return self.prover.sign_text(signed)


@dataclass(frozen=True)
class Case:
    """A proof to refuse.

    `only` is the one door it is about, `first` makes a good proof that was used before it, and
    `headers` are what a client sends besides.
    """

    name: str
    reason: str
    build: Callable[[Maker], str]
    only: str = ""
    first: Callable[[Maker], str] | None = None
    headers: tuple[tuple[str, str], ...] = ()


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")
