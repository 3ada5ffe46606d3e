"""What a token of each type must say, told without the code that reads tokens."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any, Final

from config import Settings
from tests.fuzz.forms import ALPHABET, json_object, unpacked
from tests.fuzz.model import LEEWAY
from tests.support.clock import NOW
from tests.support.forger import ACCESS, REFRESH, Forger

SECRETS: Final = [hashlib.sha256(b"%d" % number).hexdigest() for number in range(3)]
ENVIRONMENT: Final = {
    "APP_ENV": "testing",
    "PUBLIC_URL": "https://localhost",
    "JWT_SECRET": SECRETS[0],
    "JWT_SECRET_PREVIOUS": SECRETS[1],
    "SECRET_KEY": SECRETS[2],
    "MAIL_URL": "none",
    "DATABASE_URL": "sqlite:////nowhere/latchkey.db",  # nobody asks it, nor Redis
    "REDIS_URL": "unix:///nowhere",
}
SETTINGS: Final = Settings.from_env(ENVIRONMENT)
FORMER: Final = Settings.from_env(
    ENVIRONMENT | {"JWT_SECRET": SECRETS[1], "JWT_SECRET_PREVIOUS": ""}
)


@dataclass(frozen=True)
class Contract:
    """What tokens of one type must say; `keys` are by `kid`, times are seconds."""

    typ: str
    audience: str
    names: dict[str, type]
    max_lifetime: int
    binds: bool
    keys: Mapping[str, bytes]

    def says(self, token: str) -> dict[str, Any] | None:
        """Return the claims of a token that is right in all but the time, else None."""
        try:
            head, body, tail = token.split(".")
            header, claims = json_object(unpacked(head)), json_object(unpacked(body))
            mac = unpacked(tail)
        except (ValueError, RecursionError):
            return None
        kid = header.get("kid")
        keys = [key for name, key in self.keys.items() if name == kid]
        right = (
            len(token) <= 4096
            and header == {"alg": "HS256", "typ": self.typ, "kid": kid}
            and [hmac.digest(key, f"{head}.{body}".encode(), "sha256") for key in keys] == [mac]
            and self._right(claims)
        )
        return claims if right else None

    def _right(self, claims: dict[str, Any]) -> bool:
        kinds = {name: type(value) for name, value in claims.items()}
        may: dict[str, type] = {"cnf": dict, "amr": list} if self.binds else {}
        if kinds != self.names | {name: kind for name, kind in may.items() if name in claims}:
            return False
        ids = [claims[name] for name in ("sub", "sid", "family_id", "jti") if name in claims]
        signed, issued, ends = claims.get("auth_time", claims["iat"]), claims["iat"], claims["exp"]
        return (
            claims["iss"] == "https://localhost"
            and claims["aud"] == self.audience
            and all(16 <= len(one) <= 64 and set(one) <= set(ALPHABET) for one in ids)
            and ("cnf" not in claims or is_confirmation(claims["cnf"]))
            and ("amr" not in claims or are_methods(claims["amr"]))
            and 0 < signed <= issued < ends < 2**40
            and ends - issued <= self.max_lifetime
        )

    def says_at(self, token: str, now: int) -> dict[str, Any] | None:
        """Return the claims of a token that is right, also in its times."""
        claims = self.says(token)
        timely = claims and claims["iat"] - LEEWAY <= now < claims["exp"] + LEEWAY
        return claims if timely else None


def is_confirmation(value: dict[str, Any]) -> bool:
    """Tell whether it names the thumbprint of one key, and nothing else."""
    jkt = value.get("jkt")
    right = isinstance(jkt, str) and len(jkt) == 43 and set(jkt) <= set(ALPHABET)
    return right and len(value) == 1


def are_methods(value: list[Any]) -> bool:
    """Tell whether it is one to eight names of two to eight small letters, each once."""
    texts = [one for one in value if isinstance(one, str)]
    small = all(2 <= len(one) <= 8 and set(one) <= set(ascii_lowercase) for one in texts)
    return small and 0 < len(set(texts)) == len(value) <= 8


def _names(family: str, *times: str) -> dict[str, type]:
    return dict.fromkeys(("iss", "aud", "sub", family, "jti"), str) | dict.fromkeys(times, int)


def keys_of(purpose: str) -> dict[str, bytes]:
    """Return the keys of a purpose, the one that signs first."""
    rings = [Forger(settings, purpose, NOW).ring() for settings in (SETTINGS, FORMER)]
    return {ring.signing_kid: ring.signing_key for ring in rings}


CONTRACTS: Final = {
    ACCESS: Contract(
        "at+jwt",
        "https://localhost/api",
        _names("sid", "iat", "exp", "auth_time"),
        600,
        binds=True,
        keys=keys_of(ACCESS),
    ),
    REFRESH: Contract(
        "rt+jwt",
        "https://localhost/auth/refresh",
        _names("family_id", "iat", "exp"),
        30 * 86400,
        binds=False,
        keys=keys_of(REFRESH),
    ),
}
