"""What one running attack works with: its target, its account, who takes part, what it finds."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from app.attacks.answer import Answer
from app.attacks.attacked_account import Account
from app.attacks.forge import Forge
from app.attacks.obstacles import Inconclusive
from app.attacks.prover import Prover
from app.attacks.recorded_target import RecordedTarget
from app.attacks.steps import Finding
from app.attacks.visitor import OK, Visitor


@dataclass
class AttackContext(RecordedTarget):
    """One run of one attack on `account`."""

    account: Account

    @property
    def forge(self) -> Forge:
        """A forger who knows the secret of the deployment."""
        return Forge(self.target.settings)

    def browser(self, who: str = "owner", *, bound: bool = False) -> Visitor:
        """Return somebody in a browser on a page of the site, with a key when `bound`."""
        same_origin = {"Origin": self.public_url, "Sec-Fetch-Site": "same-origin"}
        return Visitor(self, who, same_origin, Prover() if bound else None)

    def owner(self, *, bound: bool = False) -> Visitor:
        """Return the owner in a browser, logged in.

        Raises:
            Inconclusive: when the server refuses the log-in.

        """
        owner = self.browser(bound=bound)
        owner.log_in(self.account)
        return owner

    def thief(self, *, bound: bool = False) -> Visitor:
        """Return somebody with a program, with their own key when `bound`."""
        return Visitor(self, "thief", {}, Prover() if bound else None)

    def stranger(self) -> str:
        """Return an e-mail address that nobody has registered."""
        return f"nobody-{secrets.token_hex(6)}@example.com"

    def answer_to_log_in(self) -> Answer:
        """Log the owner in once more and return the answer; its tokens are not kept.

        Raises:
            Inconclusive: when the server refuses the log-in.

        """
        body = self.account.credentials
        answer = self.patiently(lambda: self.browser().ask("POST", "/auth/login", body))
        if answer.status != OK:
            raise Inconclusive(f"the owner could not log in: {answer.status} {answer.code}")
        return answer

    def found(self, text: str, by: str, *, held: bool) -> bool:
        """Record whether the defense `by` held, and return `held`; `text` says what should be."""
        self.record.add(Finding(text if held else f"not so: {text}", held, by))
        return held

    def refused(self, answer: Answer, status: int, code: str, text: str, by: str) -> bool:
        """Record whether an answer is exactly the expected refusal."""
        held = answer.status == status and answer.code == code
        return self.found(f"{text}: {answer.status} {answer.code}".rstrip(), by, held=held)

    def no_token(self, answer: Answer, text: str, by: str) -> bool:
        """Record whether a protected route refused what was sent as an access token."""
        return self.refused(answer, 401, "invalid_token", text, by)

    def ended(self, answer: Answer, text: str, by: str) -> bool:
        """Record whether a refresh was refused as that of an ended session."""
        return self.refused(answer, 401, "session_ended", text, by)

    def works(self, answer: Answer, text: str) -> None:
        """Go on only when an honest request succeeds: otherwise refusals prove nothing.

        Raises:
            Inconclusive: when the answer is a refusal or an error.

        """
        if answer.status >= 400:  # noqa: PLR2004 - refusals begin there
            raise Inconclusive(f"{text}: {answer.status} {answer.code}")
