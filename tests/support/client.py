"""The people of these tests: an honest user in a browser, and a thief with what was stolen."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any, Final

from app.web.cookies import FORM, REFRESH
from tests.conftest import PUBLIC_URL, PublicClient

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.test import TestResponse

EMAIL: Final = "ada@example.com"
PASSWORD: Final = "quarry lantern umbrella nine"
NEW_PASSWORD: Final = "another marble teapot wanders"
FIREFOX: Final = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:150.0) Gecko/20100101 Firefox/150.0"

# What a browser says of a request that a page of this site makes.
FROM_HERE: Final = {"Origin": PUBLIC_URL, "Sec-Fetch-Site": "same-origin"}


class Actor:
    """An honest user in one browser: it keeps cookies, and the access token in its memory."""

    def __init__(
        self,
        app: Flask,
        email: str = EMAIL,
        password: str = PASSWORD,
        agent: str = FIREFOX,
        ip: str = "127.0.0.1",
    ) -> None:
        self.app = app
        self.email = email
        self.password = password
        self.browser = browser(app)
        self.access_token = ""
        self.session_id = ""
        self.user_id = ""
        self._headers = {**FROM_HERE, "User-Agent": agent}
        self._environ = {"REMOTE_ADDR": ip}

    @property
    def refresh_token(self) -> str:
        """The token in the browser's cookie, empty when there is none."""
        cookie = self.browser.get_cookie(REFRESH)
        return cookie.value if cookie else ""

    @property
    def bearer(self) -> dict[str, str]:
        """The header of a protected request."""
        return bearer(self.access_token)

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
        **more: Any,  # noqa: ANN401 - werkzeug's own
    ) -> TestResponse:
        """Send a request as a script of the site would."""
        sent = self._headers | (headers or {})
        kind = {} if body is None else {"json": body}
        return self.browser.open(
            path,
            method=method,
            headers=sent,
            environ_overrides=self._environ,
            buffered=True,
            **kind,
            **more,
        )

    def protected(self, method: str, path: str, body: object = None) -> TestResponse:
        """Send a request with the access token."""
        return self.ask(method, path, body, self.bearer)

    def register(self) -> TestResponse:
        """Open the account."""
        answer = self.ask(
            "POST", "/auth/register", {"email": self.email, "password": self.password}
        )
        if answer.status_code == 201:
            self.user_id = answer.get_json()["user"]["id"]
        return answer

    def log_in(self, password: str | None = None, *, remember: bool = False) -> TestResponse:
        """Log in, with the right password unless another is given."""
        body = {"email": self.email, "password": password or self.password}
        return self._adopt(
            self.ask("POST", "/auth/login", body | ({"remember": True} if remember else {}))
        )

    def refresh(self) -> TestResponse:
        """Exchange the cookie."""
        return self._adopt(self.ask("POST", "/auth/refresh"))

    def me(self) -> TestResponse:
        """Ask who one is."""
        return self.protected("GET", "/api/me")

    def sessions(self) -> list[dict[str, Any]]:
        """List one's live sessions."""
        answer = self.protected("GET", "/auth/sessions")
        assert answer.status_code == 200
        return list(answer.get_json()["sessions"])

    def log_out(self) -> TestResponse:
        """Log out as the browser module does: with the cookie and the access token."""
        return self.protected("POST", "/auth/logout")

    def change_password(self, new: str, current: str | None = None) -> TestResponse:
        """Set a new password and remember it when that worked."""
        body = {"current_password": current or self.password, "new_password": new}
        answer = self._adopt(self.protected("POST", "/auth/password", body))
        if answer.status_code == 200:
            self.password = new
        return answer

    def alive(self) -> bool:
        """Tell whether both halves of the session work, and use up a refresh token for it."""
        return self.me().status_code == 200 and self.refresh().status_code == 200

    def _adopt(self, answer: TestResponse) -> TestResponse:
        if answer.status_code == 200:
            body = answer.get_json()
            self.access_token = body["access_token"]
            self.session_id, self.user_id = body["session"]["id"], body["user"]["id"]
        return answer


class Thief:
    """A program somewhere else: no cookies of its own, no browser's headers, only loot."""

    def __init__(self, app: Flask) -> None:
        self._client = PublicClient(app, app.response_class, use_cookies=False)

    def ask(
        self,
        method: str,
        path: str,
        cookie: str | None = None,
        access: str | None = None,
        headers: dict[str, str] | None = None,
        **more: Any,  # noqa: ANN401 - werkzeug's own
    ) -> TestResponse:
        """Send a request with a stolen refresh token, a stolen access token, or none."""
        sent = dict(headers or {})
        if cookie is not None:
            sent["Cookie"] = f"{REFRESH}={cookie}"
        if access is not None:
            sent["Authorization"] = f"Bearer {access}"
        return self._client.open(path, method=method, headers=sent, buffered=True, **more)

    def refresh(self, cookie: str) -> TestResponse:
        """Try a stolen refresh token."""
        return self.ask("POST", "/auth/refresh", cookie)

    def me(self, access: str) -> TestResponse:
        """Try a stolen access token."""
        return self.ask("GET", "/api/me", access=access)


def browser(app: Flask) -> PublicClient:
    """Return a fresh browser at the public URL."""
    return PublicClient(app, app.response_class, use_cookies=True)


def member(app: Flask, email: str = EMAIL, **more: str) -> Actor:
    """Return somebody who has registered and logged in."""
    actor = Actor(app, email, **more)
    assert actor.register().status_code == 201
    assert actor.log_in().status_code == 200
    return actor


def other_browser(actor: Actor, agent: str = "curl/8.0") -> Actor:
    """Return the same user in another browser, logged in there too."""
    again = Actor(actor.app, actor.email, actor.password, agent)
    assert again.log_in().status_code == 200
    return again


def bearer(token: str) -> dict[str, str]:
    """Spell the Authorization header."""
    return {"Authorization": f"Bearer {token}"}


def problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is an RFC 9457 problem with this code, and return it."""
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    body: dict[str, Any] = answer.get_json(force=True)
    assert body["code"] == code
    assert body["status"] == status
    assert body["type"] == f"urn:latchkey:problem:{code}"
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == answer.headers["X-Request-Id"]
    assert body.keys() - {"reasons"} == {
        "type",
        "title",
        "status",
        "detail",
        "code",
        "request_id",
    }
    return body


def ended(answer: TestResponse) -> dict[str, Any]:
    """Check that an answer ends the session: 401 `session_ended`, and the cookie taken back."""
    assert cookie_lines(answer) == [CLEARED]
    return problem(answer, 401, "session_ended")


def claims(token: str) -> dict[str, Any]:
    """Read a token's payload without verifying anything, as anybody who holds it can."""
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return found


def cookie_lines(answer: TestResponse) -> list[str]:
    """List the Set-Cookie headers; Expires only repeats Max-Age for very old browsers."""
    return [re.sub(r"Expires=[^;]+; ", "", one) for one in answer.headers.getlist("Set-Cookie")]


def set_cookies(answer: TestResponse) -> list[str]:
    """List the Set-Cookie headers, each with its value cut out."""
    lines = [line.partition("=") for line in cookie_lines(answer)]
    return [f"{name}=…;{rest.partition(';')[2]}" for name, _, rest in lines]


def form_token(client: PublicClient, path: str) -> str:
    """Open a form and return its CSRF token."""
    page = client.get(path).get_data(as_text=True)
    return page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]


CLEARED: Final = f"{REFRESH}=; Max-Age=0; Secure; HttpOnly; Path=/; SameSite=Strict"
SESSION_COOKIE: Final = f"{REFRESH}=…; Secure; HttpOnly; Path=/; SameSite=Strict"
FORM_COOKIE: Final = f"{FORM}=…; Secure; HttpOnly; Path=/; SameSite=Strict"
