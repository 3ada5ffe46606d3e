"""One bound session, and both ways to present its proofs."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Flask
from werkzeug.test import TestResponse

from app.families.models import Family
from app.web.cookies import REFRESH as COOKIE
from tests.support.app import family_of, services
from tests.support.client import EMAIL, Client
from tests.support.clock import NOW
from tests.vectors.proofs.maker import Maker


@dataclass(frozen=True)
class Site:
    """The application with one bound session, and who holds its key at both doors."""

    app: Flask
    sid: str
    access_token: str
    refreshing: Maker
    protected: Maker

    def family(self) -> Family:
        return family_of(self.app, self.sid)

    def cookie(self) -> str:
        return services(self.app).auth.issuer.issue(self.family(), EMAIL).refresh_token


def wire(text: str) -> str:
    """Return a header's text as a WSGI server hands it over: its bytes, each as one character."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


def refresh(
    site: Site, visitor: Client, proof: str, headers: Mapping[str, str] | None = None
) -> TestResponse:
    environ = {"HTTP_COOKIE": f"{COOKIE}={site.cookie()}", "HTTP_DPOP": wire(proof)}
    return visitor.ask("POST", "/auth/refresh", headers=headers or {}, environ=environ)


def ask(
    site: Site, visitor: Client, proof: str, headers: Mapping[str, str] | None = None
) -> TestResponse:
    environ = {"HTTP_AUTHORIZATION": f"DPoP {site.access_token}", "HTTP_DPOP": wire(proof)}
    return visitor.ask("GET", "/api/me", headers=headers or {}, environ=environ)


def assert_refused(site: Site, answer: TestResponse, status: int, reason: str) -> None:
    """Assert a refusal that brings the newest nonce, keeps its reason, and ends nothing."""
    code = "use_dpop_nonce" if reason == "nonce" else "invalid_dpop_proof"
    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (status, code)
    assert answer.headers["DPoP-Nonce"] == services(site.app).nonces.current(NOW)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    challenge = f'DPoP realm="latchkey", error="{code}", algs="ES256"'
    assert answer.headers.get("WWW-Authenticate") == (challenge if status == 401 else None)
    assert set(problem) == {"type", "title", "status", "detail", "code", "request_id"}
