"""What the services need of the world outside; adapters implement it, tests fake it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from app.domain.betas import BetaRule
from app.domain.guardrail import Guardrail
from app.domain.identity import InstanceId, KeyHash, RequestId, UserId
from app.domain.keys import Caller, Key, User
from app.domain.ledger import Account, Grant, Hold, Refusal, Settlement
from app.domain.outcome import Outcome


class KeyDirectory(Protocol):
    """Finds keys. Raises DatabaseUnavailable, never "not found", when it cannot look."""

    async def find(self, key_hash: KeyHash) -> Caller | None: ...


class Ledger(Protocol):
    """The one authority over budgets. Every call is one statement, and atomic."""

    async def hold(self, hold: Hold) -> Grant | Refusal:
        """Set the request's hold to `hold.amount` in all of its capped accounts, or in none."""

    async def settle(self, settlement: Settlement) -> None:
        """Replace the hold by what was really spent; idempotent by request id."""

    async def heartbeat(self, owner: InstanceId) -> None:
        """Say that this process is alive, and so its holds are."""

    async def orphans(self, silent_seconds: float) -> Sequence[Hold]:
        """Holds whose owner has been silent for so long."""

    async def strays(
        self, owner: InstanceId, known: Collection[RequestId], seconds: float
    ) -> Sequence[Hold]:
        """Holds of this owner, so many seconds old, for requests other than those it knows of."""

    async def prepare(self, now: datetime) -> None:
        """Make room in the spend log for the days to come."""

    async def forget(self, owner: InstanceId) -> None:
        """Take this process off the list of those alive."""


class Records(Protocol):
    """Users and keys, for administration."""

    async def add_user(self, user: User, key: Key | None) -> None:
        """Add a user, and a first key in the same step. Raises Conflict if one exists."""

    async def add_key(self, key: Key) -> None:
        """Raises Conflict if its alias is taken, NotFound if its user does not exist."""

    async def user(self, user_id: UserId) -> User | None: ...

    async def keys_of(self, user_id: UserId) -> Sequence[Key]: ...

    async def spent(self, account: Account) -> Decimal:
        """USD settled in an account so far."""


class BetaRules(Protocol):
    """What the operator said of beta flags."""

    async def beta_rules(self) -> Sequence[BetaRule]: ...

    async def set_beta_rule(self, rule: BetaRule) -> None: ...

    async def drop_beta_rule(self, model: str, beta: str) -> bool:
        """Whether there was such a rule."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a model. `body` is what Bedrock gets, byte for byte."""

    bedrock_id: str
    body: bytes
    guardrail: Guardrail | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer: Anthropic's message as JSON."""

    body: bytes
    upstream_request_id: str | None


class UpstreamStream(Protocol):
    """A streamed answer."""

    @property
    def upstream_request_id(self) -> str | None: ...

    async def read(self) -> list[bytes]:
        """The next events, each Anthropic's JSON; an empty list at the end.

        May be cancelled and called again without losing anything. Raises GatewayError.
        """

    async def close(self) -> None:
        """Stop; what was not read is not generated."""


class Upstream(Protocol):
    """Bedrock. Both calls raise the errors of `app.errors`, by Bedrock's own words."""

    async def invoke(self, call: Call) -> Completion: ...

    async def stream(self, call: Call) -> UpstreamStream: ...


class UpstreamCounter(Protocol):
    """Bedrock's CountTokens."""

    async def count(self, call: Call) -> int:
        """Input tokens of the body that the call holds; `bedrock_id` has no profile's prefix.

        Raises NotSupported where Bedrock does not count for the model, and other GatewayErrors.
        """


class OutcomeSink(Protocol):
    """Takes note of a request's end. It may drop, but never raises and never waits."""

    def record(self, outcome: Outcome) -> None: ...


class AttemptWatcher(Protocol):
    """Takes note of second tries; like a sink, it never raises and never waits."""

    def tried_again(self, error_code: str) -> None: ...

    def left_out(self, model: str) -> None:
        """Something that the model refused is left out from now on."""


class Telemetry(OutcomeSink, AttemptWatcher, Protocol):
    """All that is told of requests."""

    def exposition(self) -> bytes:
        """The metrics in Prometheus's text format."""


class Spool(Protocol):
    """Keeps settlements while the database is away."""

    async def add(self, settlement: Settlement) -> None:
        """Raises OSError when there is no room."""

    async def replay(self, ledger: Ledger) -> int:
        """Settle what is kept, in any order; the number settled. Stops at the first failure."""


class Health(Protocol):
    """Whether the gateway could serve a request now."""

    async def problem(self) -> str | None:
        """What is in the way, in a few words; None when nothing is."""


@dataclass(frozen=True, slots=True)
class Adapters:
    """The world outside, as the ports have it."""

    directory: KeyDirectory
    records: Records
    betas: BetaRules
    ledger: Ledger
    spool: Spool
    upstream: Upstream
    counter: UpstreamCounter
    telemetry: Telemetry
    health: Health
