"""The target of one run, with a record of everything that is sent to it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from app.attacks.answer import Answer
from app.attacks.obstacles import Inconclusive
from app.attacks.record import Record
from app.attacks.redaction import shown
from app.attacks.steps import Exchange, Said
from app.attacks.target import Target

TOO_MANY: Final = 429
MAX_WAIT_SECONDS: Final = 90  # a window of a minute, with room for clocks that differ


@dataclass
class RecordedTarget:
    """A target, the record of the run, and `source`: the address that the run comes from."""

    target: Target
    record: Record = field(default_factory=Record, kw_only=True)
    source: str = field(default="", init=False)

    def __post_init__(self) -> None:
        """Choose an address that no other run has used up."""
        self.source = self.target.another_address()

    @property
    def public_url(self) -> str:
        """The origin of the deployment."""
        return self.target.settings.public_url

    @property
    def host(self) -> str:
        """The Host header of the deployment's origin."""
        return urlsplit(self.public_url).netloc

    def say(self, text: str) -> None:
        """Record what happens next."""
        self.record.add(Said(text))

    def send(  # noqa: PLR0913, PLR0917 - the parts of a request, and who sends it from where
        self,
        who: str,
        source: str,
        method: str,
        path: str,
        headers: list[tuple[str, str]],
        body: bytes,
    ) -> Answer:
        """Send one request as given, adding only a missing Host, and record the exchange.

        Raises:
            OSError, http.client.HTTPException: when there is no answer.

        """
        if all(name.lower() != "host" for name, _ in headers):
            headers = [("Host", self.host), *headers]
        answer = self.target.send(method, path, headers, body, source)
        request = shown(f"{method} {path}", headers, body)
        response = shown(f"{answer.status}", list(answer.headers), answer.body)
        self.record.add(Exchange(who, request, response, answer.status))
        return answer

    def patiently(self, ask: Callable[[], Answer]) -> Answer:
        """Return the answer to `ask`, asked again after the wait that a 429 demands.

        Attacks from one address use up each other's attempts. Such a 429 says nothing about the
        defense in question.

        Raises:
            Inconclusive: when the wait is longer than MAX_WAIT_SECONDS, or the second answer is
                a 429 too.

        """
        answer = ask()
        if answer.status == TOO_MANY:
            self._wait(answer.header("Retry-After"))
            answer = ask()
        if answer.status == TOO_MANY:
            raise Inconclusive("the attempts of this address are used up, also after a wait")
        return answer

    def _wait(self, seconds: str) -> None:
        if not seconds.isdecimal() or int(seconds) > MAX_WAIT_SECONDS:
            after = f" for {seconds} seconds" if seconds else ""
            raise Inconclusive(f"the attempts of this address are used up{after}")
        self.say(f"The attempts of this address are used up. The attack waits {seconds} s.")
        time.sleep(int(seconds))
