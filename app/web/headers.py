"""The headers of every response: pages, JSON, errors and static files alike.

One page of this origin without the policy would be enough: injected script could open it and
use its freedom (seen in Chromium 156).
"""

from __future__ import annotations

from typing import Final

from flask import Flask, Response, request

from app.web.client import request_id

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; "
    "script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types latchkey-fragment"
)

ALWAYS: Final = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    # Not no-referrer: that turns the Origin of our own form posts into "null".
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    (
        "Permissions-Policy",
        "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    ),
)
STRICT_TRANSPORT: Final = ("Strict-Transport-Security", "max-age=63072000; includeSubDomains")


def install(app: Flask, *, https: bool) -> None:
    """Put the headers on everything `app` answers."""
    fixed = (*ALWAYS, STRICT_TRANSPORT) if https else ALWAYS

    def add(response: Response) -> Response:
        response.headers.extend(fixed)
        response.headers["X-Request-Id"] = request_id()
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        return response

    app.after_request(add)


def clear_site_data(response: Response) -> None:
    """Have the browser forget what it kept of the site.

    Not "cookies": that reaches sibling hosts; the refresh cookie is cleared by name.
    """
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
