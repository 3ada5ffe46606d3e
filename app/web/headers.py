"""The headers of every response: pages, JSON, errors and static files.

No response may lack the Content-Security-Policy: injected script could open that
response and run there without the policy (seen in Chromium 156).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from flask import Flask, Response

from app.web.client import REQUEST_ID
from app.web.static_files import STORABLE
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
    # Not no-referrer: with that, a browser sends "Origin: null" with the forms of this site.
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    (
        "Permissions-Policy",
        "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    ),
)
NO_STORE: Final = ("Cache-Control", "no-store")
# A response with this is sent part by part, by nginx and by app/server. It occupies a thread
# until its end, so no response that a stranger can ask for may have it.
UNBUFFERED: Final = ("X-Accel-Buffering", "no")
AUTH: Final = "/auth/"
STRICT_TRANSPORT: Final = ("Strict-Transport-Security", "max-age=63072000; includeSubDomains")


def always(*, https: bool) -> list[tuple[str, str]]:
    """Return the headers of every response, also of those that the server sends without Flask.

    `https` adds HSTS (RFC 6797), which is for deployments with TLS only.
    """
    return [*ALWAYS, STRICT_TRANSPORT] if https else list(ALWAYS)


def of_deployment(settings: Settings) -> list[tuple[str, str]]:
    """Return the headers of every response of the application.

    Its policy also allows the origins in CSP_IMG_SRC and CSP_CONNECT_SRC.
    """
    headers = dict(always(https=settings.public_url.startswith("https:")))
    additions = {"img-src": settings.csp_img_src, "connect-src": settings.csp_connect_src}
    for directive, sources in additions.items():
        default = f"{directive} 'self'"
        policy = headers["Content-Security-Policy"]
        headers["Content-Security-Policy"] = policy.replace(default, " ".join((default, *sources)))
    return list(headers.items())


def install(app: Flask, settings: Settings, nonce: Callable[[], str]) -> None:
    """Add the headers to every response of `app`, and give each request an id.

    Responses under `/auth` and every 401 also get `DPoP-Nonce` with the newest nonce. All but
    static files get `Cache-Control: no-store`.

    This wraps the WSGI application, so that no error handler and no early response is without
    the headers. It also costs less than eight calls of Flask's `headers.add`.
    """
    always_sent, wsgi_app = of_deployment(settings), app.wsgi_app

    def with_headers(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request_id = secrets.token_hex(8)
        environ[REQUEST_ID] = request_id
        common = [*always_sent, ("X-Request-Id", request_id)]

        def start(status: str, headers: list[tuple[str, str]], *exc: Any) -> Any:  # noqa: ANN401
            added = common if STORABLE in environ else [*common, NO_STORE]
            if status.startswith("401") or environ.get("PATH_INFO", "").startswith(AUTH):
                added = [*added, ("DPoP-Nonce", nonce())]
            return start_response(status, headers + added, *exc)

        return wsgi_app(environ, start)

    app.wsgi_app = with_headers  # type: ignore[method-assign]


def clear_site_data(response: Response) -> None:
    """Make the browser delete what script has stored: the DPoP keys, and a product's own data.

    Not "cookies", which would also delete those of sibling hosts; the refresh cookie is deleted
    by name. Not "cache": Chromium would delay the response for seconds, until it has searched its
    cache for all sites; and nothing of an account is cached (NO_STORE).
    """
    response.headers["Clear-Site-Data"] = '"storage"'
