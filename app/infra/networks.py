"""Normalize the addresses of clients, and find the networks that limits are counted for.

The audit record, the list of sessions, the limits, the hash queue and the server all use these
functions, so that one client is the same client for all of them.
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
    """Return an IP address in its normal spelling; an empty string when `text` is not one.

    Ports, brackets and zones, which proxies write (`192.0.2.1:4711`, `[2001:db8::1]:443`,
    `fe80::1%eth0`), are removed: with the port, each connection would count as another client. An
    IPv4 address mapped into IPv6 becomes the IPv4 address.
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
    """Return the network of one client: its IPv4 address, or its IPv6 /64.

    Within a /64 a client can change its address as it likes. The result for text that is not an
    address is the empty string, so that all such clients share one count.
    """
    return _prefix(address, 32, IPV6_NETWORK)


def site(address: str) -> str:
    """Return the network that one customer of a provider may have: an IPv4 /24 or an IPv6 /48."""
    return _prefix(address, IPV4_SITE, IPV6_SITE)


@lru_cache(maxsize=1024)  # a request asks up to four times, and a flood comes from few addresses
def _prefix(address: str, ipv4_bits: int, ipv6_bits: int) -> str:
    parsed = parse_address(address)
    if not parsed:
        return ""
    bits = ipv6_bits if ":" in parsed else ipv4_bits
    return str(ipaddress.ip_network((parsed, bits), strict=False))
