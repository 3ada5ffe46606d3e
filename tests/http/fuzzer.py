"""Who sends what schemathesis makes up: a stranger, and people with a session."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from app.tokens.jws import COMPACT
from app.web.cookies import REFRESH
from tests.support.client import BINDING, Client, bearer, dpop

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from flask import Flask
    from schemathesis import Case, Response

    from app.attacks.prover import Prover
    from tests.support.servers.valkey import ValkeyServer

OVER: Final = {HTTPStatus.NO_CONTENT, HTTPStatus.UNAUTHORIZED}


class Crowd:
    """The application of the current test, asked from another address each time.

    From one address a fuzzer would soon meet nothing but the limits.
    """

    app: Flask | None = None
    number = 0

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        assert self.app is not None
        self.number += 1
        _, high, middle, low = self.number.to_bytes(4, "big")
        environ["REMOTE_ADDR"] = f"10.{high}.{middle}.{low}"
        return self.app(environ, start)


class Stranger:
    """A caller with nothing but what the fuzzer makes up."""

    def __init__(self, valkey: ValkeyServer) -> None:
        self._valkey = valkey

    def credentials(self, _case: Case[Any]) -> dict[str, Any]:
        return {}

    def learn(self, _case: Case[Any], answer: Response) -> None:
        """Come back later when a limit is used up."""
        if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            self.wait()

    def wait(self) -> None:
        """Have the windows of all limits behind oneself."""
        for key in self._valkey.client.scan_iter("*throttle*"):
            self._valkey.client.delete(key)


class Member(Stranger):
    """Somebody logged in, who comes back whenever the fuzzer logged them out or deleted them."""

    def __init__(self, app: Flask, valkey: ValkeyServer, key: Prover | None = None) -> None:
        super().__init__(valkey)
        self._bound = key is not None
        self._actor = Client(app, key=key)
        self._actor.create_account()
        self._log_in()

    def credentials(self, case: Case[Any]) -> dict[str, Any]:
        """Return the access token, the refresh token and, where there is a key, a proof.

        What the fuzzer made stays when it is no proof: that is what the request is about. What
        only looks like one would be refused, and hide what else is let through.
        """
        if COMPACT.fullmatch(str(case.headers.get("DPoP", ""))):
            del case.headers["DPoP"]
        token = self._actor.access_token
        headers = dpop(token) if self._bound else bearer(token)
        if self._bound and "DPoP" not in case.headers:
            about = None if case.path in BINDING else token
            headers["DPoP"] = self._actor.proof(case.formatted_path, case.method, about)
        return {"headers": headers, "cookies": {REFRESH: self._actor.refresh_token}}

    def learn(self, case: Case[Any], answer: Response) -> None:
        """Remember a new password, and log in again when the session is over or another.

        Good credentials are never refused, whatever else is wrong with the request.
        """
        super().learn(case, answer)
        # The test client replaces bytes that are no UTF-8: what was proved is not what came.
        kept = "\ufffd" not in unquote(case.formatted_path)
        if "DPoP" not in case.headers and kept:
            assert answer.status_code != HTTPStatus.UNAUTHORIZED or case.path == "/auth/login"
        if answer.status_code == HTTPStatus.OK and case.path == "/auth/password":
            assert isinstance(case.body, dict)
            self._actor.password = str(case.body["new_password"])
        if answer.status_code == HTTPStatus.NO_CONTENT and case.path == "/auth/account":
            self._actor.create_account()
        if answer.status_code in OVER or "set-cookie" in answer.headers:
            self._log_in()

    def _log_in(self) -> None:
        self.wait()
        assert self._actor.log_in().status_code == HTTPStatus.OK
