"""Weakened ways to answer a browser, and to believe what it sends."""

from __future__ import annotations

import json

from flask import Flask, Request, Response
from flask_wtf import CSRFProtect

from app.dev.lab.weakened.variant import instead_of
from app.errors import CrossOrigin
from app.families.issuer import TokenPair
from app.web.csrf import csrf
from app.web.headers import always as real_always
from app.web.origin import check_origin as real_check_origin
from app.web.responses import token_response as real_token_answer


@instead_of("app/web/cookies.py:_set", "xss-token-theft")
def script_may_read_the_cookie(
    response: Response, name: str, value: str, max_age: int | None
) -> None:
    """The cookie is set with what the framework does by itself, which is readable by script."""
    response.set_cookie(name, value, max_age=max_age, secure=True, samesite="Strict")


@instead_of("app/web/cookies.py:_set", "xss-token-theft")
def the_cookie_goes_everywhere(
    response: Response, name: str, value: str, max_age: int | None
) -> None:
    """SameSite is set to None, because a log-in from another site did not work."""
    response.set_cookie(name, value, max_age=max_age, secure=True, httponly=True, samesite="None")


@instead_of("app/web/headers.py:always", "xss-token-theft")
def inline_script_is_allowed(*, https: bool) -> list[tuple[str, str]]:
    """The policy allows inline script, because a widget asked for it."""
    return [
        (name, value.replace("script-src 'self'", "script-src 'self' 'unsafe-inline'"))
        for name, value in real_always(https=https)
    ]


@instead_of("app/web/responses.py:token_response", "tokens-in-localstorage")
def both_tokens_are_in_the_body(grant: TokenPair) -> Response:
    """The refresh token is in the answer, for a client that puts it into localStorage."""
    response = real_token_answer(grant)
    body = response.get_json() | {"refresh_token": grant.refresh_token}
    response.set_data(json.dumps(body))
    return response


@instead_of("app/web/origin.py:check_origin", "csrf-on-refresh")
def same_site_cookies_are_enough(request: Request, public_url: str) -> None:
    """The cookie is SameSite, so nobody asks where a request began."""


@instead_of("app/web/origin.py:check_origin", "csrf-on-refresh")
def siblings_are_trusted(request: Request, public_url: str) -> None:
    """Only other sites are refused; a subdomain is one of us."""
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise CrossOrigin


@instead_of("app/web/origin.py:check_origin", "csrf-on-refresh")
def old_browsers_are_let_in(request: Request, public_url: str) -> None:
    """Sec-Fetch-Site is asked, and where it is missing nothing is."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        raise CrossOrigin


@instead_of("app/web/csrf.py:csrf.init_app", "login-csrf")
def forms_carry_no_token(app: Flask) -> None:
    """The log-in form has no token of its own: there is no session yet to protect."""
    app.config.update(WTF_CSRF_ENABLED=False, WTF_CSRF_METHODS=[])
    CSRFProtect.init_app(csrf, app)


@instead_of("app/web/origin.py:check_origin", "login-csrf")
def json_is_taken_from_anywhere(request: Request, public_url: str) -> None:
    """Only forms are asked where they come from: another site cannot send JSON, it is said."""
    if not request.path.startswith("/auth/"):
        real_check_origin(request, public_url)


@instead_of("app/pages/redirects.py:safe_path", "open-redirect")
def the_link_knows_where_to_go(wanted: str) -> str:
    """After logging in people go wherever the link says."""
    return wanted


@instead_of("app/pages/redirects.py:safe_path", "open-redirect")
def a_path_begins_with_a_slash(wanted: str) -> str:
    """What begins with a slash is taken for a path of this site."""
    return wanted if wanted.startswith("/") else ""


@instead_of("app/web/headers.py:always", "clickjacking")
def anybody_may_frame_us(*, https: bool) -> list[tuple[str, str]]:
    """The policy says what may be loaded, and not who may load us."""
    return [
        (name, value.replace("frame-ancestors 'none'; ", ""))
        for name, value in real_always(https=https)
    ]


@instead_of("app/web/headers.py:NO_STORE", "cache-leaks")
def answers_may_be_kept() -> tuple[str, str]:
    """Answers may be kept for a minute, which makes the pages fast."""
    return "Cache-Control", "max-age=60"


@instead_of("app/web/headers.py:clear_site_data", "cache-leaks")
def the_browser_keeps_what_script_stored(response: Response) -> None:
    """Logging out leaves what script has stored in the browser where it is."""
