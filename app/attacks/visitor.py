"""Somebody with an HTTP client: the owner in a browser, or a thief with a program."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from app.attacks.answer import Answer
from app.attacks.attacked_account import Account
from app.attacks.obstacles import Inconclusive
from app.attacks.prover import Prover
from app.attacks.recorded_target import RecordedTarget
from app.web.cookies import DEVICE, FORM, REFRESH

OK: Final = 200
NEWER_NONCE: Final = "use_dpop_nonce"


class Visitor:
    """A client that keeps its cookies and its access token.

    `headers` are sent with every request. `prover` holds the key that its sessions are bound to;
    without one they are unbound.
    """

    def __init__(
        self,
        target: RecordedTarget,
        who: str,
        headers: dict[str, str],
        prover: Prover | None = None,
    ) -> None:
        """Start with no cookies and no token."""
        self._target: Final = target
        self.who = who
        self.source = target.source
        self.prover: Final = prover
        self.headers: Final = headers
        self.jar: Final[dict[str, str]] = {}
        self.access = ""
        self.sid = ""

    @property
    def refresh_token(self) -> str:
        """The refresh token in the cookie jar; an empty string without one."""
        return self.jar.get(REFRESH, "")

    @property
    def key(self) -> Prover:
        """The key that proofs are made with.

        Raises:
            Inconclusive: when this visitor holds none.

        """
        if self.prover is None:
            raise Inconclusive(f"{self.who} holds no key")
        return self.prover

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        form: dict[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request with the cookies; `headers` add to this visitor's or replace them."""
        named = self.headers | dict(headers or {})
        if self.jar and "Cookie" not in named:
            named["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        content_type, content = _encoded(body, form)
        if content_type:
            named.setdefault("Content-Type", content_type)
        sent = list(named.items())
        answer = self._target.send(self.who, self.source, method, path, sent, content)
        self._keep(answer)
        return answer

    def prove(self, method: str, path: str, token: str | None = None, **claims: Any) -> str:  # noqa: ANN401 - any claim can be made wrong
        """Return a proof for a request; `claims` replace those of a correct proof."""
        return self.key.proof(method, self._target.public_url + path, token, **claims)

    def proof_header(self, method: str, path: str, token: str | None = None) -> dict[str, str]:
        """Return the DPoP header of a request; no header when this visitor holds no key."""
        return {"DPoP": self.prove(method, path, token)} if self.prover else {}

    def log_in(self, account: Account) -> None:
        """Log in, and keep the tokens.

        Raises:
            Inconclusive: when the server refuses.

        """
        self.fetch_nonce()
        body = account.credentials | {"remember": False}
        answer = self._target.patiently(lambda: self._proved("POST", "/auth/login", body))
        if not self.adopt(answer):
            raise Inconclusive(f"{self.who} could not log in: {answer.status} {answer.code}")

    def fetch_nonce(self) -> None:
        """Ask for anything, if this visitor holds a key: the answer brings a nonce."""
        if self.prover:
            self.ask("GET", "/auth/sessions")

    def refresh(self, token: str | None = None) -> Answer:
        """Refresh with the cookie, or with another refresh `token`, which replaces it."""
        presented = self.refresh_token if token is None else token
        if token is not None:
            self.jar[REFRESH] = token
        answer = self._proved("POST", "/auth/refresh")
        if answer.status == OK:
            self._target.record.lineage.rotate(presented, answer.cookie(REFRESH))
        self.adopt(answer)
        return answer

    def me(self, token: str | None = None) -> Answer:
        """Ask a protected route, with another access `token` when one is given."""
        return self.protected("GET", "/api/me", token=token)

    def protected(
        self, method: str, path: str, body: object = None, *, token: str | None = None
    ) -> Answer:
        """Send a request with the access token, and a proof when this visitor holds a key."""
        used = self.access if token is None else token
        return self._proved(method, path, body, used)

    def adopt(self, answer: Answer) -> bool:
        """Keep the tokens of an answer; tell whether it had any."""
        if answer.status != OK or "access_token" not in answer.json:
            return False
        self.access = str(answer.json["access_token"])
        self.sid = str(answer.json["session"]["id"])
        record = self._target.record
        record.lineage.begin(self.refresh_token)
        record.secrets |= {self.access, self.refresh_token}
        return True

    def _proved(
        self, method: str, path: str, body: object = None, token: str | None = None
    ) -> Answer:
        """Send a request with token and proof; once more if the server wants a newer nonce."""
        scheme = "DPoP" if self.prover else "Bearer"
        named = {} if token is None else {"Authorization": f"{scheme} {token}"}

        def send() -> Answer:
            headers = named | self.proof_header(method, path, token)
            return self.ask(method, path, body, headers=headers)

        answer = send()
        return send() if answer.code == NEWER_NONCE else answer

    def _keep(self, answer: Answer) -> None:
        if self.prover:
            self.prover.nonce = answer.header("DPoP-Nonce") or self.prover.nonce
        for name in answer.set_cookies.keys() & {REFRESH, DEVICE, FORM}:
            former, value = self.jar.pop(name, ""), answer.cookie(name)
            if value:
                self.jar[name] = value
            elif name == REFRESH:
                self._target.record.lineage.end(former)


def _encoded(body: object, form: dict[str, str] | None) -> tuple[str, bytes]:
    """Return the content type and the bytes of a body; empty ones without a body."""
    if form is not None:
        return "application/x-www-form-urlencoded", urlencode(form).encode()
    if body is not None:
        return "application/json", json.dumps(body).encode()
    return "", b""
