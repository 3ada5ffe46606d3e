"""Addresses of clients: one spelling for each, and the networks that they are counted by.

The audit record, the list of sessions, the limits and the queue for password hashes all use
these, so that they agree about who asked.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Final

MAX_TEXT: Final = 80
IPV4_SITE: Final = 24
IPV6_NETWORK: Final = 64
IPV6_SITE: Final = 48


def parse_address(text: str) -> str:
    """Return the one spelling of an IP address, or an empty string when `text` is none.

    Proxies write ports, brackets and zones (`192.0.2.1:4711`, `[2001:db8::1]:443`,
    `fe80::1%eth0`). They are dropped: a client chooses its port, so an address that kept it would
    be a new visitor for each connection. An IPv4 address mapped into IPv6 is the IPv4 address.
    """
    bare = text[: MAX_TEXT + 1].strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)


def network(address: str) -> str:
    """Return what one visitor cannot leave at will: an IPv4 address, or an IPv6 /64.

    Everything that is no address is one network, the empty string.
    """
    return _within(address, 32, IPV6_NETWORK)


def site(address: str) -> str:
    """Return what one customer of a provider may hold: an IPv4 /24, or an IPv6 /48."""
    return _within(address, IPV4_SITE, IPV6_SITE)


@lru_cache(maxsize=1024)  # a request asks up to four times, and a flood comes from few addresses
def _within(address: str, ipv4_bits: int, ipv6_bits: int) -> str:
    parsed = parse_address(address)
    if not parsed:
        return ""
    bits = ipv6_bits if ":" in parsed else ipv4_bits
    return str(ipaddress.ip_network((parsed, bits), strict=False))
