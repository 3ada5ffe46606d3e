"""Read the public URL, and the addresses and origins that are compared with it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from app.settings.reader import Reader

_HOST: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")


def origin(reader: Reader, name: str, default: str) -> str:
    """Return an origin: scheme, host, and the port unless it is the scheme's default."""
    fault = reader.fault
    try:
        url = urlsplit(reader.text(name, default))
        host, port = url.hostname or "", url.port
    except ValueError:
        fault(name, "is not a URL", "use the form https://app.example.com")
        return default
    if url.scheme not in {"http", "https"} or not _HOST.fullmatch(host):
        fault(name, "is not an http(s) origin", "use the form https://app.example.com")
    if url.path not in {"", "/"} or url.query or url.fragment or "@" in url.netloc:
        fault(name, "has more than scheme, host and port", "cut it after the host")
    if reader.deployed and url.scheme != "https":
        fault(name, f"must be https in {reader.env}", "the refresh cookie is Secure")
    if reader.development and url.scheme == "http" and not is_this_machine(host):
        # Browsers reject the Secure cookie of such a site, and offer its script no Web Crypto.
        problem = "is http on another host than localhost, where log-ins cannot work"
        fault(name, problem, f"use {default}, or https")
    default_port = {"http": 80, "https": 443}.get(url.scheme)
    return f"{url.scheme}://{host}" + (f":{port}" if port and port != default_port else "")


def audience(reader: Reader, public_url: str) -> str:
    """Return the `aud` of access tokens."""
    audience = reader.text("JWT_AUDIENCE")
    if not audience:
        return f"{public_url}/api"
    if not re.fullmatch(r"[\x21-\x7e]{1,255}", audience):
        reader.fault("JWT_AUDIENCE", "is not one word", "use a URL or a name without spaces")
    if audience == f"{public_url}/auth/refresh":
        reader.fault("JWT_AUDIENCE", "is the refresh token's audience", "use another value")
    return audience


def sources(reader: Reader, name: str, *schemes: str) -> tuple[str, ...]:
    """Return the origins in a variable, for a directive of the Content-Security-Policy.

    Keywords, wildcards and paths are refused: a single `'unsafe-inline'` or `*` would make
    the policy useless. Only development accepts plain http.
    """
    insecure = {"https": "http", "wss": "ws"}
    allowed = {*schemes, *(insecure[scheme] for scheme in schemes if reader.development)}
    origins = reader.words(name)
    if not all(_is_source(origin, allowed) for origin in origins):
        forms = " or ".join(f"{scheme}://host" for scheme in schemes)
        remedy = f"use {forms}, without path or wildcard"
        reader.fault(name, "has an entry that is not an origin", remedy)
    return tuple(origins)


def _is_source(origin: str, schemes: Collection[str]) -> bool:
    scheme, _, rest = origin.partition("://")
    host, colon, port = rest.partition(":")
    has_valid_port = bool(_PORT.fullmatch(port)) if colon else True
    return scheme in schemes and bool(_HOST.fullmatch(host)) and has_valid_port


def is_host(text: str) -> bool:
    """Return whether `text` is the name of a host, or an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return bool(_HOST.fullmatch(text))
    return True


def is_this_machine(host: str) -> bool:
    """Return whether `host` names this machine, so that browsers treat its http as secure.

    These are `localhost`, names that end in `.localhost`, and loopback addresses (W3C Secure
    Contexts, section 3.1).
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
