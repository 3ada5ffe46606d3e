"""What is counted against brute force and floods, and how much of it is allowed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from limits import RateLimitItem, parse_many

from app.infra.networks import network, site

ACCOUNT: Final = tuple(parse_many("5/5minute;20/hour"))
KNOWN_DEVICE: Final = tuple(parse_many("10/5minute;60/hour"))
ADDRESS: Final = tuple(parse_many("30/minute;300/hour"))
SITE: Final = tuple(parse_many("120/minute;1200/hour"))
ALL_OF_ADDRESS: Final = tuple(parse_many("300/minute"))
ALL_OF_ACCOUNT: Final = tuple(parse_many("30/minute"))
REGISTRATIONS: Final = tuple(parse_many("120/minute;1000/hour"))
REFRESHES: Final = tuple(parse_many("1200/minute"))

# What a right password does to a count.
CLEARED: Final = "cleared"
GIVEN_BACK: Final = "given back"
KEPT: Final = "kept"
OF_NETWORK: Final = frozenset({"address", "all_address", "site"})


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is counted: a kind with its limits, and a name that is hashed before it is stored."""

    kind: str
    name: str
    limits: tuple[RateLimitItem, ...]
    success: str = KEPT

    @property
    def key(self) -> str:
        """The name as Redis sees it: 128 bits of its SHA-256, in hex."""
        return hashlib.sha256(self.name.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def of_network(ip: str) -> tuple[Bucket, ...]:
    """Return what an attempt to log in from `ip` counts for its network.

    One IPv6 customer may hold a whole /48, which is 65,536 networks, so it is counted too.
    """
    buckets = (
        Bucket("address", network(ip), ADDRESS, GIVEN_BACK),
        Bucket("all_address", network(ip), ALL_OF_ADDRESS),
    )
    if ":" in network(ip):
        return (*buckets, Bucket("site", site(ip), SITE, GIVEN_BACK))
    return buckets
