"""The headers of every response: pages, JSON, errors and static files alike.

One page of this origin without the policy would be enough: injected script could open it and
use its freedom (seen in Chromium 156).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from flask import Flask, Response

from app.web.client import REQUEST_ID
from config import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; "
    "script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
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
NO_STORE: Final = ("Cache-Control", "no-store")
STATIC: Final = "/static/"
AUTH: Final = "/auth/"
STRICT_TRANSPORT: Final = ("Strict-Transport-Security", "max-age=63072000; includeSubDomains")


def always(*, https: bool) -> list[tuple[str, str]]:
    """Return what every response carries; HSTS only where there is TLS to insist on."""
    return [*ALWAYS, STRICT_TRANSPORT] if https else list(ALWAYS)


def of_deployment(settings: Settings) -> list[tuple[str, str]]:
    """Return what every response of the application carries.

    The policy also allows the origins of CSP_IMG_SRC and CSP_CONNECT_SRC.
    """
    fixed = dict(always(https=settings.public_url.startswith("https:")))
    additions = {"img-src": settings.csp_img_src, "connect-src": settings.csp_connect_src}
    for directive, sources in additions.items():
        own = f"{directive} 'self'"
        policy = fixed["Content-Security-Policy"]
        fixed["Content-Security-Policy"] = policy.replace(own, " ".join((own, *sources)))
    return list(fixed.items())


def install(app: Flask, settings: Settings, nonce: Callable[[], str]) -> None:
    """Put the headers on everything `app` answers, and number each request.

    Answers under `/auth` and every 401 bring the newest nonce for proofs.

    Below Flask, where no error handler and no early answer gets past, and where it costs one
    list instead of eight checked insertions.
    """
    fixed, inner = of_deployment(settings), app.wsgi_app

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        number = secrets.token_hex(8)
        environ[REQUEST_ID] = number
        own = [*fixed, ("X-Request-Id", number)]
        static = environ.get("PATH_INFO", "").startswith(STATIC)

        def start(status: str, headers: list[tuple[str, str]], *exc: Any) -> Any:  # noqa: ANN401
            added = own if static and status < "4" else [*own, NO_STORE]
            if status.startswith("401") or environ.get("PATH_INFO", "").startswith(AUTH):
                added = [*added, ("DPoP-Nonce", nonce())]
            return start_response(status, headers + added, *exc)

        return inner(environ, start)

    app.wsgi_app = answer  # type: ignore[method-assign]


def clear_site_data(response: Response) -> None:
    """Have the browser forget what script stored: its keys, and what a product keeps besides.

    Not "cookies": that reaches sibling hosts; the refresh cookie is cleared by name. Not "cache":
    Chromium empties its cache for all sites entry by entry, for seconds, and holds the answer
    back until then. Nothing of the account is in a cache: see NO_STORE.
    """
    response.headers["Clear-Site-Data"] = '"storage"'
