"""Where a request may come from: the Host rule and the cross-origin rule.

SameSite=Strict stops neither a sibling subdomain nor a redirect bounced through another site:
both were seen to carry the cookie in Chromium 156. So a state change must say that it started
here, and that is looked at before any credential: a forged request consumes nothing.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Request, redirect, request
from werkzeug.wrappers import Response

from app.errors import CrossOrigin, Misdirected

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
ANY_HOST: Final = frozenset({"health.healthz", "health.readyz"})


def install(app: Flask, public_url: str, *, behind_proxy: bool) -> None:
    """Check every request before anything else looks at it.

    Behind a proxy the port in `Host` may be the one that the proxy listens on. A redirect to the
    public port would come back with the same `Host`, and so on for ever. The host's name decides
    alone, then: a browser that really is on another port has another origin, and is refused each
    state change for that.
    """
    public_host = urlsplit(public_url).netloc
    public_name = urlsplit(public_url).hostname

    def check() -> Response | None:
        named = request.environ.get("HTTP_HOST") == public_host or request.host == public_host
        named = named or (
            behind_proxy and _name(request.environ.get("HTTP_HOST", "")) == public_name
        )
        if not named and request.endpoint not in ANY_HOST:
            if request.blueprint == "pages" and request.method in SAFE_METHODS:
                return redirect(public_url + request.full_path, 308)
            raise Misdirected
        if request.method not in SAFE_METHODS:
            check_origin(request, public_url)
        return None

    app.before_request(check)


def _name(host: str) -> str:
    """Return a host without its port; empty when what follows the name is no port."""
    name, colon, port = host.partition(":")
    return name if port.isdecimal() or not colon else ""


def check_origin(request: Request, public_url: str) -> None:
    """Refuse a state change that a browser says began elsewhere.

    A request with neither header comes from no browser: every browser sends `Origin` with a
    POST, so there is no ambient credential to misuse.

    Raises:
        CrossOrigin.

    """
    headers = request.headers
    site = headers.get("Sec-Fetch-Site")
    typed = site == "none" and headers.get("Sec-Fetch-Mode") == "navigate"
    if site not in {None, "same-origin"} and not typed:
        raise CrossOrigin(reason="sec_fetch_site")
    if headers.get("Origin", public_url) != public_url:
        raise CrossOrigin(reason="origin")
