"""The two sides of a card: an attack on this server, and on a weakened instance of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from subprocess import Popen
from typing import Any, Final, Literal

from app.attacks.attacked_account import Account
from app.attacks.record import Record, Step
from app.attacks.run import Run, run
from app.attacks.target import Forbidden, Target
from app.attacks.throwaway_accounts import throwaway
from app.dev.lab import log_copy
from app.dev.lab.weakened_instance import InstanceError, Starter, weakened_instance
from config import Settings

Side = Literal["here", "weakened"]
EVERY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not bound


@dataclass
class Sides:
    """Runs one attack on one side after the other, for whoever has `settings`.

    `on_step` is called with the side, the place and the step, as they happen. `credentials`
    collects what the attack was given or got, so that none of it is stored.
    """

    slug: str
    settings: Settings
    on_step: Callable[[Side, int, Step], object] = lambda *_: None
    credentials: set[str] = field(default_factory=set, repr=False)

    def here(self, account: Account | None = None) -> Run:
        """Attack `account` at this server over its own port; by default a throwaway one.

        Raises:
            Refusal, SQLAlchemyError: when a throwaway account cannot be opened.

        """
        try:
            target = Target(own_url(self.settings), self.settings, log_copy.begin(self.settings))
        except Forbidden as error:
            return self._inconclusive(error)
        return self._attack("here", target, account)

    def weakened(self, variant: str, start: Starter = Popen) -> Run:
        """Attack an instance of this server with a weakened variant, which `start` starts.

        Raises:
            Refusal, SQLAlchemyError: when a throwaway account cannot be opened.

        """
        try:
            with weakened_instance(variant, self.settings, start) as target:
                return self._attack("weakened", target)
        except InstanceError as error:
            return self._inconclusive(error)

    def _attack(self, side: Side, target: Target, brought: Account | None = None) -> Run:
        record = Record(on_step=lambda at, step: self.on_step(side, at, step))
        with nullcontext(brought) if brought else throwaway(target.settings) as account:
            self.credentials.add(account.password)
            done = run(self.slug, target, account, record)
            self.credentials |= {account.password, *record.secrets}
        return done

    def _inconclusive(self, error: Exception) -> Run:
        return Run(self.slug, "inconclusive", Record(), 0, str(error))


def own_url(settings: Settings) -> str:
    """Return where this server listens, as this machine reaches it."""
    host = EVERY_ADDRESS.get(settings.host, settings.host)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def as_event(side: Side, done: Run) -> dict[str, Any]:
    """Return the end of one side as plain data, without the steps."""
    return {"side": side, **{k: v for k, v in done.as_json().items() if k != "steps"}}
