"""The limits against password guessing and floods; `throttle` counts the attempts.

`docs/limits.md` explains each number.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from limits import RateLimitItem, parse_many

from app.infra.networks import network, site

ACCOUNT: Final = tuple(parse_many("5/5minute;20/hour"))
KNOWN_BROWSER: Final = tuple(parse_many("10/5minute;60/hour"))
ADDRESS: Final = tuple(parse_many("30/minute;300/hour"))
SITE: Final = tuple(parse_many("120/minute;1200/hour"))
ALL_OF_ADDRESS: Final = tuple(parse_many("300/minute"))
ALL_OF_ACCOUNT: Final = tuple(parse_many("30/minute"))
REGISTRATIONS: Final = tuple(parse_many("120/minute;1000/hour"))
# Of one kind to one address, and requests of one account, so that nobody fills another's mailbox.
MAILS: Final = tuple(parse_many("3/hour;6/day"))
NOTES: Final = tuple(parse_many("1/day"))
EXPORTS: Final = tuple(parse_many("5/hour;20/day"))
REFRESHES: Final = tuple(parse_many("1200/minute"))

# How a successful log-in changes a count: to zero, by one less, or not at all.
CLEARED: Final = "cleared"
REFUNDED: Final = "refunded"
UNCHANGED: Final = "unchanged"
NETWORK_KINDS: Final = frozenset({"address", "all_address", "site"})


@dataclass(frozen=True, slots=True)
class Bucket:
    """One count and its limits.

    `kind` says what is counted, and `name` for whom: an account, a browser or a network.
    `on_success` is how a successful log-in changes the count.
    """

    kind: str
    name: str
    limits: tuple[RateLimitItem, ...]
    on_success: str = UNCHANGED

    @property
    def key(self) -> str:
        """The name in Redis: 128 bits of its SHA-256 in hex, so that Redis stores no addresses."""
        return hashlib.sha256(self.name.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def of_network(ip: str) -> tuple[Bucket, ...]:
    """Return the buckets in which a log-in attempt from `ip` is counted for its network.

    For IPv6 the /48 is counted too, because one customer may have a whole /48 and so 65,536
    networks of the size /64.
    """
    buckets = (
        Bucket("address", network(ip), ADDRESS, REFUNDED),
        Bucket("all_address", network(ip), ALL_OF_ADDRESS),
    )
    if ":" in network(ip):
        return (*buckets, Bucket("site", site(ip), SITE, REFUNDED))
    return buckets
