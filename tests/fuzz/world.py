"""Two workers on one database and one Valkey, a clock to move, and what clients say to them."""

from dataclasses import dataclass, field
from typing import Any, Final

from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from app import create_app
from app.attacks.prover import Prover
from app.services import Services
from app.web.cookies import REFRESH
from config import Settings
from tests.support.app import PUBLIC_URL, close, repairs, services
from tests.support.clock import NOW, SettableClock
from tests.support.processes import wait_until
from tests.support.servers.valkey import ValkeyServer
from tests.support.transports import InProcess


class Key(Prover):
    """A browser's key; its number names it in a report."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def __repr__(self) -> str:
        return f"KEYS[{self._number}]"


KEYS: Final = tuple(Key(number) for number in range(3))
# Redis lives by the clock of the test: what is left of its keys is cut by the time that passes.
LIVES: Final = """
local lives = {}
for _, key in ipairs(redis.call("keys", "*")) do
  local left = redis.call("pttl", key)
  if left >= 0 then lives[#lives + 1] = key; lives[#lives + 1] = left end
end
return lives
"""
CUT: Final = """
for at, key in ipairs(KEYS) do
  local left = ARGV[at + 1] - ARGV[1] * 1000
  if redis.call("pttl", key) > left then redis.call("pexpire", key, left) end
end
"""


class Behind(SettableClock):
    """The clock of a machine that is some seconds behind."""

    def __init__(self, clock: SettableClock, seconds: int) -> None:
        super().__init__()
        self._clock, self._seconds = clock, seconds

    def now(self) -> int:
        return self._clock.now() - self._seconds

    def monotonic(self) -> float:
        return self._clock.monotonic()


@dataclass
class Sent:
    """A request as it went out, to be sent again."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: object = None


class World:
    """The real parts, and the hands that move them."""

    def __init__(self, settings: Settings, valkey: ValkeyServer, behind: int) -> None:
        self.valkey, self.clock = valkey, SettableClock(NOW)
        valkey.make_sound()
        clocks = [Behind(self.clock, seconds) for seconds in (0, behind)]
        self.workers = [InProcess(create_app(settings, clock)) for clock in clocks]
        self.nonce = ""
        self.up, self.changed_at = True, 0
        self._lives: list[str | int] = []
        self._missed = 0

    def own(self, worker: int) -> Services:
        return services(self.workers[worker].app)

    def now(self, worker: int) -> int:
        return self.workers[worker].now()

    def forward(self, seconds: int) -> None:
        """Let time pass, for Redis too."""
        self._missed += seconds
        if self.up:
            self._look_at_redis()
            self._let_redis_age()
        self.clock.forward(seconds)

    def _look_at_redis(self) -> None:
        self._lives = self.valkey.client.eval(LIVES, 0)

    def _let_redis_age(self) -> None:
        """Let the keys that were seen catch up with the clock, but what was written since."""
        keys, lives = self._lives[::2], self._lives[1::2]
        self.valkey.client.eval(CUT, len(keys), *keys, self._missed, *lives)
        self._missed = 0

    def redis(self, how: str) -> None:
        """Flush, stop, start, restart or replace Redis."""
        if how in {"flush", "stop"} and not self.up:
            return
        if self.up:
            self._look_at_redis()
        {
            "flush": self.valkey.flush,
            "stop": self.valkey.stop,
            "start": lambda: None if self.up else self.valkey.start(),
            "restart": self.valkey.restart,
            "replace": self.valkey.restart_empty,
        }[how]()
        self.up, self.changed_at = how != "stop", self.clock.now()
        if self.up:
            self._let_redis_age()

    def send(self, worker: int, sent: Sent) -> TestResponse:
        body: dict[str, Any] = {} if sent.body is None else {"json": sent.body}
        headers = Headers(sent.headers)
        answer = self.workers[worker].send(sent.method, sent.path, headers, {}, **body)
        self.nonce = answer.headers.get("DPoP-Nonce", self.nonce)
        assert answer.status_code < 500, (sent, answer.get_data(as_text=True))
        return answer

    def ask(
        self,
        worker: int,
        sent: Sent,
        *,
        cookie: str | None = None,
        credential: tuple[str, str] | None = None,
        key: Prover | None = None,
    ) -> tuple[TestResponse, Sent]:
        """Send a request with what a client has; with a key it repeats for a nonce, once.

        `credential` is the scheme and the access token. Returns the answer and what was sent.
        """
        if cookie is not None:
            sent.headers["Cookie"] = f"{REFRESH}={cookie}"
        if credential:
            sent.headers["Authorization"] = " ".join(credential)
        self._prove(worker, sent, key, credential)
        answer = self.send(worker, sent)
        if key and self.code(answer) == "use_dpop_nonce":
            self._prove(worker, sent, key, credential)
            answer = self.send(worker, sent)
            assert self.code(answer) != "use_dpop_nonce"
        return answer, sent

    def _prove(
        self, worker: int, sent: Sent, key: Prover | None, credential: tuple[str, str] | None
    ) -> None:
        if key:
            token = credential[1] if credential else None
            url = PUBLIC_URL + sent.path
            claims = {"iat": self.now(worker), "nonce": self.nonce}
            sent.headers["DPoP"] = key.proof(sent.method, url, token, **claims)

    @staticmethod
    def code(answer: TestResponse) -> str:
        """Return the code of a refusal, or nothing."""
        is_problem = answer.mimetype == "application/problem+json"
        return str(answer.get_json(force=True)["code"]) if is_problem else ""

    def shut(self) -> None:
        self.valkey.make_sound()
        wait_until(lambda: not repairs(), what="the end of the repair")
        for worker in self.workers:
            close(worker.app)


def cookie_of(answer: TestResponse) -> str | None:
    """Return the refresh token that an answer sets; empty when it takes one back."""
    for line in answer.headers.getlist("Set-Cookie"):
        name, _, value = line.partition(";")[0].partition("=")
        if name == REFRESH:
            return value
    return None
