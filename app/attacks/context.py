"""The context of one attack: who takes part, what is sent, and what is found."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from app.attacks.forge import Forge
from app.attacks.prover import Prover
from app.attacks.record import Exchange, Finding, Record, Said, shown
from app.attacks.wire import Answer, Target
from app.web.cookies import DEVICE, FORM, REFRESH

OK: Final = 200
TOO_MANY: Final = 429
MAX_WAIT_SECONDS: Final = 90  # a limit of a minute and a slow clock; hours are not waited for
NEWER_NONCE: Final = "use_dpop_nonce"


class Inconclusive(Exception):
    """An attack could not be carried out; `str()` says what stood in its way."""


class Missing(Exception):
    """An attack needs something that was not given; `str()` says what."""


@dataclass
class Account:
    """The account that is attacked; a password change changes it here too.

    `lasting` means that it is somebody's and gets its password back; others are thrown away.
    """

    email: str
    password: str = field(repr=False)
    lasting: bool = False


class Visitor:
    """Somebody with an HTTP client: the owner in a browser, or a thief with a program.

    Keeps cookies and the access token. `prover` holds the key that a session is bound to;
    `headers` are sent with everything.
    """

    def __init__(
        self,
        context: AttackContext,
        who: str,
        headers: dict[str, str],
        prover: Prover | None = None,
    ) -> None:
        """Enter `context` with no cookies and no token."""
        self.context: Final = context
        self.who = who
        self.source = context.source
        self.prover: Final = prover
        self.headers: Final = headers
        self.jar: Final[dict[str, str]] = {}
        self.access = ""
        self.sid = ""

    @property
    def refresh_token(self) -> str:
        """The token in the cookie, empty when there is none."""
        return self.jar.get(REFRESH, "")

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        form: dict[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request with cookies; `headers` are added, or replace this visitor's own."""
        named = self.headers | dict(headers or {})
        if self.jar and "Cookie" not in named:
            named["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        sent, kind = b"", ""
        if form is not None:
            sent, kind = urlencode(form).encode(), "application/x-www-form-urlencoded"
        elif body is not None:
            sent, kind = json.dumps(body).encode(), "application/json"
        if kind:
            named.setdefault("Content-Type", kind)
        answer = self.context.send(self, method, path, list(named.items()), sent)
        self._keep(answer)
        return answer

    @property
    def key(self) -> Prover:
        """The key that proofs are made with.

        Raises:
            Inconclusive: when this visitor holds none.

        """
        if self.prover is None:
            raise Inconclusive(f"{self.who} holds no key")
        return self.prover

    def prove(self, method: str, path: str, token: str | None = None, **claims: Any) -> str:  # noqa: ANN401 - any claim can be made wrong
        """Return a proof for a request; `claims` replace its own."""
        return self.key.proof(method, self.context.public_url + path, token, **claims)

    def proof_header(self, method: str, path: str, token: str | None = None) -> dict[str, str]:
        """Return the DPoP header of a request, if this visitor holds a key."""
        return {"DPoP": self.prove(method, path, token)} if self.prover else {}

    def log_in(self, account: Account, *, remember: bool = False) -> None:
        """Log in and keep what is given.

        Raises:
            Inconclusive: when that is refused.

        """
        body = {"email": account.email, "password": account.password, "remember": remember}
        if self.prover:
            self.ask("GET", "/auth/sessions")  # its answer brings a nonce
        answer = self.context.patiently(lambda: self._proved("POST", "/auth/login", body))
        if not self.adopt(answer):
            raise Inconclusive(f"{self.who} could not log in: {answer.status} {answer.code}")

    def refresh(self, token: str | None = None) -> Answer:
        """Exchange the cookie, or another refresh `token` that came into these hands."""
        presented = self.refresh_token if token is None else token
        if token is not None:
            self.jar[REFRESH] = token
        path = "/auth/refresh"
        answer = self._proved("POST", path)
        if answer.status == OK:
            self.context.record.rotated(presented, answer.cookie(REFRESH))
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
        """Take over a token answer; tell whether it was one."""
        if answer.status != OK or "access_token" not in answer.json:
            return False
        self.access = str(answer.json["access_token"])
        self.sid = str(answer.json["session"]["id"])
        self.context.record.begun(self.refresh_token)
        self.context.record.secrets |= {self.access, self.refresh_token}
        return True

    def _proved(
        self, method: str, path: str, body: object = None, token: str | None = None
    ) -> Answer:
        """Send a request with what it needs, and once more when a newer nonce is asked for."""
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
                self.context.record.ended(former)


@dataclass
class AttackContext:
    """One run of one attack against `target`, on `account`."""

    target: Target
    account: Account
    record: Record = field(default_factory=Record)
    source: str = ""

    def __post_init__(self) -> None:
        """Come from an address of one's own."""
        self.source = self.target.another_address()
        self.forge = Forge(self.target.settings)

    @property
    def public_url(self) -> str:
        """The deployment's own origin."""
        return self.target.settings.public_url

    @property
    def host(self) -> str:
        """The Host header of the deployment's own origin."""
        return urlsplit(self.public_url).netloc

    def browser(self, who: str = "owner", *, bound: bool = False) -> Visitor:
        """Let somebody enter with a browser at a page of the site."""
        own = {"Origin": self.public_url, "Sec-Fetch-Site": "same-origin"}
        return Visitor(self, who, own, Prover() if bound else None)

    def owner(self, *, bound: bool = False) -> Visitor:
        """Return the owner, logged in."""
        owner = self.browser(bound=bound)
        owner.log_in(self.account)
        return owner

    def thief(self, *, bound: bool = False) -> Visitor:
        """Let somebody enter with a program; with a key of their own when `bound`."""
        return Visitor(self, "thief", {}, Prover() if bound else None)

    def say(self, text: str) -> None:
        """Tell what happens next."""
        self.record.steps.append(Said(text))

    def found(self, text: str, by: str, *, held: bool) -> bool:
        """Write down whether the defense `by` held; `text` says what should be so."""
        self.record.steps.append(Finding(text if held else f"not so: {text}", held, by))
        return held

    def refused(self, answer: Answer, status: int, code: str, text: str, by: str) -> bool:
        """Find whether an answer is exactly the refusal that it should be."""
        held = answer.status == status and answer.code == code
        return self.found(f"{text}: {answer.status} {answer.code}".rstrip(), by, held=held)

    def no_token(self, answer: Answer, text: str, by: str) -> bool:
        """Find whether a protected route refused what was shown as an access token."""
        return self.refused(answer, 401, "invalid_token", text, by)

    def ended(self, answer: Answer, text: str, by: str) -> bool:
        """Find whether a refresh was refused as any ended session is."""
        return self.refused(answer, 401, "session_ended", text, by)

    def works(self, answer: Answer, text: str) -> None:
        """Go on only when an honest request was answered: nothing is proven otherwise.

        Raises:
            Inconclusive.

        """
        if answer.status >= 400:  # noqa: PLR2004 - refusals begin there
            raise Inconclusive(f"{text}: {answer.status} {answer.code}")

    def patiently(self, ask: Callable[[], Answer]) -> Answer:
        """Return the answer to `ask`, asked once more when a limit says to come back later.

        Attacks from one address use up each other's attempts. That refusal proves neither
        that the defense in question holds nor that it fails.

        Raises:
            Inconclusive: when the wait is longer than MAX_WAIT_SECONDS, or was in vain.

        """
        answer = ask()
        if answer.status == TOO_MANY:
            told = answer.header("Retry-After")
            if not told.isdecimal() or int(told) > MAX_WAIT_SECONDS:
                after = f" for {told} seconds" if told else ""
                raise Inconclusive(f"the attempts of this address are used up{after}")
            self.say(
                f"The attempts of this address are used up; it waits {told} s, as it is told."
            )
            time.sleep(int(told))
            answer = ask()
        if answer.status == TOO_MANY:
            raise Inconclusive("the attempts of this address are used up, also after a wait")
        return answer

    def send(
        self, by: Visitor, method: str, path: str, headers: list[tuple[str, str]], body: bytes
    ) -> Answer:
        """Send one request exactly as given, and write both sides down."""
        if all(name.lower() != "host" for name, _ in headers):
            headers = [("Host", self.host), *headers]
        answer = self.target.send(method, path, headers, body, by.source)
        asked = shown(f"{method} {path}", headers, body)
        told = shown(f"{answer.status}", list(answer.headers), answer.body)
        self.record.exchanged(Exchange(by.who, asked, told, answer.status))
        return answer

    @contextmanager
    def new_password(self) -> Iterator[str]:
        """Give a password to change to; a lasting account gets its own one back.

        Raises:
            Inconclusive: when that fails, with the password that the account has now.

        """
        former, new = self.account.password, f"wander {secrets.token_hex(8)} lantern"
        try:
            yield new
        finally:
            if self.account.lasting and self.account.password == new:
                self._give_back(former)

    def _give_back(self, former: str) -> None:
        body = {"current_password": self.account.password, "new_password": former}
        answer = self.owner().protected("POST", "/auth/password", body)
        if answer.status != OK:
            now = self.account.password
            raise Inconclusive(f"the password could not be changed back: it is now “{now}”")
        self.account.password = former

    def stranger(self) -> str:
        """Return an address nobody has registered."""
        return f"nobody-{secrets.token_hex(6)}@example.com"
