"""One HTTP client: a person in a browser, or a program, in process or over a socket.

Bound to a key when it has one: it then proves each request that carries credentials.
"""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from app.attacks.prover import Prover
from app.families.models import Family
from app.web.cookies import FORM, REFRESH
from tests.support.accounts import create_account
from tests.support.app import PUBLIC_URL, family_of
from tests.support.servers.gunicorn import GunicornServer
from tests.support.transports import InProcess, OverSocket

EMAIL: Final = "ada@example.com"
PASSWORD: Final = "quarry lantern umbrella nine"
NEW_PASSWORD: Final = "another marble teapot wanders"
FIREFOX: Final = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:150.0) Gecko/20100101 Firefox/150.0"
# Begins or goes on with a session; so a proof there binds it.
BINDING: Final = {"/auth/login", "/auth/refresh", "/auth/register/finish"}
# Of four workers each is missed once in a thousand times by this many connections.
ALL_WORKERS: Final = 24

# What a browser says of a form that a page of the site sends, besides.
NAVIGATION: Final = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html,*/*;q=0.8"}


class Client:
    """Somebody with an account, in one browser: it keeps cookies and the access token.

    `site` is the application itself, or a server, which each request reaches over a connection of
    its own.
    """

    def __init__(  # noqa: PLR0913 - what makes a client
        self,
        site: Flask | GunicornServer,
        email: str = EMAIL,
        password: str = PASSWORD,
        *,
        agent: str = FIREFOX,
        ip: str = "127.0.0.1",
        key: Prover | None = None,
    ) -> None:
        self.site = InProcess(site) if isinstance(site, Flask) else OverSocket(site)
        self.email, self.password, self._key = email, password, key
        self.access_token = self.session_id = self.user_id = ""
        self.cookies: dict[str, str] = {}
        self.keeps_cookies = True
        # What a browser says of a request that a page of the site makes.
        self.headers = from_here(self.site.url) | {"User-Agent": agent}
        self.environ = {"REMOTE_ADDR": ip}

    @property
    def key(self) -> Prover:
        assert self._key
        return self._key

    @key.setter
    def key(self, key: Prover) -> None:
        self._key = key

    @property
    def app(self) -> Flask:
        assert isinstance(self.site, InProcess)
        return self.site.app

    @property
    def server(self) -> GunicornServer:
        assert isinstance(self.site, OverSocket)
        return self.site.server

    @property
    def refresh_token(self) -> str:
        return self.cookies.get(REFRESH, "")

    @property
    def bearer(self) -> dict[str, str]:
        return bearer(self.access_token)

    def ask(  # noqa: PLR0913 - what a request carries
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | Headers | None = None,
        *,
        cookie: str | None = None,
        access: str | None = None,
        **more: Any,  # noqa: ANN401 - EnvironBuilder's own
    ) -> TestResponse:
        """Send a request, with `access` as its access token and `cookie` as its refresh token.

        `body` goes as JSON. Where there is a key, what carries or begins a session is proved.
        `headers` replace those the client would send, cookies included.
        """
        sent = Headers(self.headers)
        if jar := self.cookies | ({} if cookie is None else {REFRESH: cookie}):
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
        if access is not None:
            proof = self.proof(path, method, access) if self._key else None
            sent.update(dpop(access, proof) if proof else bearer(access))
        elif self._key and path in BINDING:
            sent["DPoP"] = self.proof(path)
        sent.update(headers or {})
        if body is not None:
            more["json"] = body
        environ = self.environ | more.pop("environ", {})
        answer = self.site.send(method, path, sent, environ, **more)
        if self.keeps_cookies:
            self._keep(answer)
        return answer

    def proof(self, path: str, method: str = "POST", token: str | None = None, **said: Any) -> str:  # noqa: ANN401 - any claim
        """Prove one request by this client's key, with the newest nonce and the server's time."""
        claims = {"nonce": self.site.nonce(), "iat": self.site.now()} | said
        return self.key.proof(method, self.site.url + path.partition("?")[0], token, **claims)

    def protected(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> TestResponse:
        return self.ask(method, path, body, access=self.access_token)

    def create_account(self) -> None:
        site = self.site.app if isinstance(self.site, InProcess) else self.site.server
        self.user_id = create_account(site, self.email, self.password).id

    def ask_for_account(self, email: str | None = None) -> TestResponse:
        return self.ask("POST", "/auth/register", {"email": email or self.email})

    def finish_account(self, token: str) -> TestResponse:
        body = {"token": token, "password": self.password}
        return self._adopt(self.ask("POST", "/auth/register/finish", body))

    def log_in(self, password: str | None = None, *, remember: bool = False) -> TestResponse:
        body = {"email": self.email, "password": password or self.password}
        more = {"remember": True} if remember else {}
        return self._adopt(self.ask("POST", "/auth/login", {**body, **more}))

    def refresh(self, cookie: str | None = None) -> TestResponse:
        return self._adopt(self.ask("POST", "/auth/refresh", cookie=cookie))

    def me(self, access: str | None = None) -> TestResponse:
        return self.ask("GET", "/api/me", access=self.access_token if access is None else access)

    def me_everywhere(self, access: str) -> set[int]:
        """Ask each worker of a server who one is; return the statuses there were."""
        return {self.me(access).status_code for _ in range(ALL_WORKERS)}

    def sessions(self) -> list[dict[str, Any]]:
        answer = self.protected("GET", "/auth/sessions")
        assert answer.status_code == 200
        return list(answer.get_json()["sessions"])

    def log_out(self) -> TestResponse:
        """Log out as the browser module does: with the cookie and the access token."""
        return self.protected("POST", "/auth/logout")

    def change_password(self, new: str, current: str | None = None) -> TestResponse:
        body = {"current_password": current or self.password, "new_password": new}
        answer = self._adopt(self.protected("POST", "/auth/password", body))
        if answer.status_code == 200:
            self.password = new
        return answer

    def reauthenticate(self, password: str | None = None) -> TestResponse:
        body = {"password": password or self.password}
        return self._adopt(self.protected("POST", "/auth/reauthenticate", body))

    def alive(self) -> bool:
        """Use up a refresh token to tell whether both halves of the session work."""
        return self.me().status_code == 200 and self.refresh().status_code == 200

    def family(self) -> Family:
        return family_of(self.app, self.session_id)

    def open_form(self, path: str) -> str:
        """Open a form and return its CSRF token."""
        page = self.ask("GET", path).text
        return page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]

    def send_form(self, path: str, **fields: str) -> TestResponse:
        """Open the form of `path`, fill it in and send it as a browser navigates."""
        fields.setdefault("csrf_token", self.open_form(path))
        return self.ask("POST", path, headers=NAVIGATION, data=fields)

    def _adopt(self, answer: TestResponse) -> TestResponse:
        if answer.status_code in {200, 201} and self.keeps_cookies:
            body = answer.get_json()
            self.access_token = body["access_token"]
            self.session_id, self.user_id = body["session"]["id"], body["user"]["id"]
        return answer

    def _keep(self, answer: TestResponse) -> None:
        for line in answer.headers.getlist("Set-Cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
            if "; Max-Age=0" in line:
                del self.cookies[name]


def program(site: Flask | GunicornServer, email: str = EMAIL, **more: Any) -> Client:  # noqa: ANN401 - Client's own
    """Return a program: without a browser's headers, and it keeps nothing it is given."""
    client = Client(site, email, **more)
    client.headers, client.keeps_cookies = {}, False
    return client


def member(site: Flask | GunicornServer, email: str = EMAIL, **more: Any) -> Client:  # noqa: ANN401 - Client's own
    client = Client(site, email, **more)
    client.create_account()
    assert client.log_in().status_code == 200
    return client


def other_browser(client: Client, agent: str = "curl/8.0") -> Client:
    again = Client(client.app, client.email, client.password, agent=agent)
    assert again.log_in().status_code == 200
    return again


def from_here(url: str = PUBLIC_URL) -> dict[str, str]:
    return {"Origin": url, "Sec-Fetch-Site": "same-origin"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def dpop(token: str, proof: str | None = None) -> dict[str, str]:
    headers = {"Authorization": f"DPoP {token}"}
    return headers if proof is None else headers | {"DPoP": proof}


def problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is an RFC 9457 problem with this code, and return it."""
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    body: dict[str, Any] = answer.get_json()
    assert body["code"] == code
    assert body["status"] == status
    assert body["type"] == f"urn:latchkey:problem:{code}"
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == answer.headers["X-Request-Id"]
    names = {"type", "title", "status", "detail", "code", "request_id"}
    assert body.keys() - {"reasons", "max_age"} == names
    return body


def ended(answer: TestResponse) -> dict[str, Any]:
    """Check that an answer ends the session: 401 `session_ended`, and the cookie taken back."""
    assert cookie_lines(answer) == [CLEARED]
    return problem(answer, 401, "session_ended")


def invalid_token(answer: TestResponse) -> None:
    """Check a refusal as RFC 6750 section 3 writes it, without a word about the reason."""
    assert problem(answer, 401, "invalid_token")["detail"] == "This needs a valid access token."
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="latchkey", error="invalid_token"'
    assert answer.headers["Cache-Control"] == "no-store"


def claims(token: str) -> dict[str, Any]:
    """Read a token's payload without verifying anything, as anybody who holds it can."""
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return found


def pair(answer: TestResponse) -> tuple[str, str]:
    return answer.get_json()["access_token"], cookie_of(answer)


def cookie_of(answer: TestResponse, name: str = REFRESH) -> str:
    (line,) = [one for one in cookie_lines(answer) if one.startswith(f"{name}=")]
    return line.partition("=")[2].partition(";")[0]


def cookie_lines(answer: TestResponse) -> list[str]:
    """List the Set-Cookie headers; Expires only repeats Max-Age for very old browsers."""
    return [re.sub(r"Expires=[^;]+; ", "", one) for one in answer.headers.getlist("Set-Cookie")]


def set_cookies(answer: TestResponse) -> list[str]:
    """List the Set-Cookie headers, each with its value cut out."""
    lines = [line.partition("=") for line in cookie_lines(answer)]
    return [f"{name}=…;{rest.partition(';')[2]}" for name, _, rest in lines]


CLEARED: Final = f"{REFRESH}=; Max-Age=0; Secure; HttpOnly; Path=/; SameSite=Strict"
SESSION_COOKIE: Final = f"{REFRESH}=…; Secure; HttpOnly; Path=/; SameSite=Strict"
FORM_COOKIE: Final = f"{FORM}=…; Secure; HttpOnly; Path=/; SameSite=Strict"
