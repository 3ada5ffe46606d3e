"""Refuse requests for another host, and changes that another site has started (CSRF).

SameSite=Strict is not enough: requests from a sibling subdomain, and redirects through another
site, were seen to carry the cookie in Chromium 156. Every request that changes something must
therefore come from this origin. This is checked before any credential is read, so that a
cross-site request consumes no token and no attempt.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Request, redirect, request
from werkzeug.wrappers import Response

from app.errors import CrossOrigin, Misdirected
from app.web.csrf import WITHOUT_FORMS

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
ANY_HOST: Final = frozenset({"health.healthz", "health.readyz"})


def install(app: Flask, public_url: str, *, behind_proxy: bool) -> None:
    """Check the host and the origin of every request before all other handlers.

    A page for another host is redirected (308), and any other request for one is refused (421).
    Behind a proxy, the port in `Host` may be the one that the proxy listens on; a redirect to the
    public port would then come back with the same `Host` without end. Only the host's name is
    compared there. A browser on another port has another origin, so its changes are refused.
    """
    public_host = urlsplit(public_url).netloc
    public_name = urlsplit(public_url).hostname

    def check() -> Response | None:
        named = request.environ.get("HTTP_HOST") == public_host or request.host == public_host
        named = named or (
            behind_proxy and _name(request.environ.get("HTTP_HOST", "")) == public_name
        )
        if not named and request.endpoint not in ANY_HOST:
            if _is_page(request) and request.method in SAFE_METHODS:
                return redirect(public_url + request.full_path, 308)
            raise Misdirected
        if request.method not in SAFE_METHODS:
            check_origin(request, public_url)
        return None

    app.before_request(check)


def _is_page(request: Request) -> bool:
    """Return whether a person may have asked for it, under another name of this host."""
    return request.endpoint is not None and not request.path.startswith(WITHOUT_FORMS)


def _name(host: str) -> str:
    """Return the name in a Host header; empty when it is not followed by a port or the end."""
    name, colon, port = host.partition(":")
    return name if port.isdecimal() or not colon else ""


def check_origin(request: Request, public_url: str) -> None:
    """Refuse a request, which would change something, that was not started on this origin.

    A request without `Origin` and `Sec-Fetch-Site` is accepted. It does not come from a browser,
    because browsers send `Origin` with each POST, and other clients attach no cookie by
    themselves.

    Raises:
        CrossOrigin: when `Sec-Fetch-Site` is neither `same-origin` nor that of a navigation by
            the user (`none`), or when `Origin` is not exactly `public_url`.

    """
    headers = request.headers
    site = headers.get("Sec-Fetch-Site")
    user_navigation = site == "none" and headers.get("Sec-Fetch-Mode") == "navigate"
    if site not in {None, "same-origin"} and not user_navigation:
        raise CrossOrigin(reason="sec_fetch_site")
    if headers.get("Origin", public_url) != public_url:
        raise CrossOrigin(reason="origin")
