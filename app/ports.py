"""What the services need of the world outside; adapters implement it, tests fake it."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol

from app.domain.allowance import Allowance
from app.domain.audit import AuditEntry, AuditFilter, Author
from app.domain.betas import BetaRule
from app.domain.guardrail import Guardrail
from app.domain.identity import InstanceId, KeyHash, KeyId, RequestId, UserId
from app.domain.keys import Caller, Key, User
from app.domain.ledger import (
    Account,
    Grant,
    Hold,
    LimitRefusal,
    Refusal,
    Scope,
    Settlement,
    Standing,
)
from app.domain.listing import Cut, KeyFilter, Page, UserFilter, UserSummary
from app.domain.operator_models import OperatorModel
from app.domain.outcome import Outcome
from app.domain.retention import Old, Present
from app.domain.spending import (
    DayCheck,
    Dimension,
    Finding,
    LogEntry,
    LogQuery,
    Part,
    Period,
    Spender,
    SpendGroup,
    Total,
)
from app.domain.templates import Template


class KeyDirectory(Protocol):
    """Finds keys. Raises DatabaseUnavailable, never "not found", when it cannot look."""

    async def find(self, key_hashes: Sequence[KeyHash]) -> Mapping[KeyHash, Caller]:
        """Those that there are, by the hash that was asked for."""


@dataclass(frozen=True, slots=True)
class Booked:
    """A settlement that everybody sees, and whether it lasts: until that is known, a crash of the
    database may still lose it, and whoever booked it must be able to book it again."""

    spent: Sequence[Decimal]
    """USD in each of its accounts since."""
    lasts: asyncio.Future[bool]
    """Shared by all that were booked at about the same time."""


class Ledger(Protocol):
    """The one authority over budgets. Every call is one statement, and atomic."""

    async def hold(self, hold: Hold) -> Grant | Refusal | LimitRefusal:
        """Count the request in all of its limits and set its hold to `hold.amount` in all of its
        capped accounts, or change nothing. A hold that grows is not limited again."""

    async def book(self, settlement: Settlement) -> Booked:
        """Replace the hold by what was really spent; idempotent by request id."""

    async def settle(self, settlement: Settlement) -> None:
        """The same, and it lasts once this returns; slower."""

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


NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class NewSecret:
    """Replaces a key's secret; those before it work until `valid_until` at the longest."""

    hash: KeyHash
    name: str
    valid_until: datetime


class Records(Protocol):
    """Users and keys, for administration. Changes are entered in the audit log by their author.

    Fields of changes go by the names that LiteLLM has for them.
    """

    async def add_user(
        self, user: User, key: Key | None, by: Author, windows: Sequence[Account] = ()
    ) -> None:
        """Add a user and a first key, and start the user's budget windows at zero, all or nothing.

        Raises Conflict if one exists, NotFound if its budget does not."""

    async def add_key(self, key: Key, by: Author, windows: Sequence[Account] = ()) -> None:
        """Add a key and start its budget windows at zero, all or nothing.

        Raises Conflict if its alias is taken, NotFound if its user or budget does not exist."""

    async def shared_budget(self, budget_id: str) -> Allowance | None:
        """The named budget of that id; None where there is none."""

    async def user(self, user_id: UserId) -> User | None: ...

    async def users_by_email(self, email: str) -> Sequence[User]:
        """Up to two users of that address, in any case of its letters."""

    async def keys_of(self, user_id: UserId) -> Sequence[Key]: ...

    async def key(self, name: KeyId | KeyHash) -> Key | None:
        """By its id, or the hash of a secret that it has or had."""

    async def key_by_alias(self, alias: str) -> Key | None: ...

    async def update_user(
        self,
        user_id: UserId,
        changes: Mapping[str, Any],
        by: Author,
        windows: Sequence[Account] = (),
    ) -> User | None:
        """Change these fields alone and open these windows with what was spent in them; None where
        there is no such user. Raises NotFound for a budget that does not exist, InvalidRequest."""

    async def update_key(
        self,
        key_id: KeyId,
        changes: Mapping[str, Any],
        by: Author,
        windows: Sequence[Account] = (),
    ) -> Key | None:
        """The same of a key. Raises Conflict, NotFound, InvalidRequest."""

    async def replace_secret(
        self,
        key_id: KeyId,
        secret: NewSecret,
        by: Author,
        changes: Mapping[str, Any] = NOTHING,
        windows: Sequence[Account] = (),
    ) -> Key | None:
        """Replace the secret of a key and change these fields, all or nothing; None where there is
        no such key. Raises Conflict if the secret is or was in use, and as `update_key`."""

    async def delete_users(self, ids: Sequence[UserId], by: Author) -> None:
        """With all of their keys."""

    async def delete_keys(self, ids: Sequence[KeyId], by: Author) -> None: ...

    async def spent(self, account: Account) -> Decimal:
        """USD settled in an account so far."""

    async def spends(self, accounts: Sequence[Account]) -> Sequence[Decimal]:
        """The same of several, in their order."""

    async def open_windows(self, accounts: Sequence[Account]) -> None:
        """Begin accounts with what was spent in their windows already."""


class Listing(Protocol):
    """Users and keys, some at a time."""

    async def list_users(self, which: UserFilter, cut: Cut) -> Page[UserSummary]: ...

    async def list_keys(self, which: KeyFilter, cut: Cut) -> Page[Key]: ...


class Templates(Protocol):
    """Budgets that keys and users refer to."""

    async def templates(self, ids: Sequence[str] | None) -> Sequence[Template]:
        """Those of these ids, or all of them; ordered by id."""

    async def add_template(self, template: Template, by: Author) -> None:
        """Raises Conflict if there is one of that id."""

    async def update_template(
        self, id_: str, changes: Mapping[str, Any], by: Author
    ) -> Template | None:
        """Change these fields alone; None where there is no such budget."""

    async def delete_template(self, id_: str, by: Author) -> None:
        """Raises Conflict while it is in use."""

    async def referrers(self, id_: str, limit: int) -> Sequence[str]:
        """Users and keys that refer to a budget, in words."""

    async def administrators(self, id_: str) -> Sequence[str]:
        """Ids of administrators who refer to a budget, or whose keys do."""


class AuditLog(Protocol):
    """Every change of what is administered. It is written by the database itself."""

    async def entries(self, which: AuditFilter, limit: int) -> Sequence[AuditEntry]:
        """The newest first."""


class OperatorWords(Protocol):
    """What the operator said of models and of beta flags."""

    async def beta_rules(self) -> Sequence[BetaRule]: ...

    async def set_beta_rule(self, rule: BetaRule, by: Author) -> None: ...

    async def drop_beta_rule(self, model: str, beta: str, by: Author) -> bool:
        """Whether there was such a rule."""

    async def operator_models(self) -> Sequence[OperatorModel]:
        """In the order in which they were added."""

    async def add_operator_model(self, model: OperatorModel, by: Author) -> bool:
        """Whether it is there now; not if another one has its id. Raises Conflict for its name."""

    async def update_operator_model(self, model: OperatorModel, by: Author) -> None:
        """Raises Conflict if its name is taken."""

    async def delete_operator_model(self, id_: str, by: Author) -> None: ...


Tidied = Literal["spooled", "orphan", "stray"]
"""A settlement that was kept, one of a gateway that died, a hold that nobody knows of."""


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
    headers: Mapping[str, str] = field(default_factory=dict)


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


class SpendHistory(Protocol):
    """The account of spend, for those who ask."""

    async def groups(
        self, by: Dimension, period: Period, spender: Spender, part: Part
    ) -> Page[SpendGroup]:
        """Days in their order, all else by cost, highest first; with the number of all groups."""

    async def totals(self, scope: Scope, part: Part) -> Page[Total]:
        """Lifetime spend of keys or users, highest first; with the number of all of them."""

    async def log(self, query: LogQuery) -> Sequence[LogEntry]:
        """One page of requests, the newest first."""

    async def logged(self, query: LogQuery) -> int:
        """The number of requests on all pages; it reads all of them."""

    async def standings(self, accounts: Sequence[Account]) -> Sequence[Standing]:
        """What is spent and held in each of these."""

    async def checks(self, limit: int) -> Sequence[DayCheck]:
        """The days that are over, the latest first."""


class SpendUpkeep(Protocol):
    """What is done with the spend log when a day is over. Any number of processes may do it."""

    async def summarise(self, details: int) -> int:
        """Bring the summaries of past days up to date; the number of days that needed it. So many
        sessions, and tags, of a key's day keep a sum of their own; the rest is "(other)"."""

    async def drop_before(self, day: date) -> int:
        """Give up the log of summarised days before `day`; the number of days."""

    async def unchecked(self) -> date | None:
        """The latest summarised day, if nobody has checked it yet."""

    async def check(self, day: date, windows: Sequence[Account]) -> Sequence[Finding]:
        """Compare the log, its summaries, and what budgets count; what is found is kept."""

    async def count_anew(self, windows: Sequence[Account]) -> None:
        """Set what these have spent to what the log says."""


class OldRows(Protocol):
    """Rows of tables that grow."""

    async def forget(self, what: Old, before: datetime, most: int, present: Present) -> int:
        """Delete at most so many rows from before then; the number of rows."""


class OutcomeSink(Protocol):
    """Takes note of a request's end. It may drop, but never raises and never waits."""

    def record(self, outcome: Outcome) -> None: ...


class AttemptWatcher(Protocol):
    """Takes note of second tries; like a sink, it never raises and never waits."""

    def tried_again(self, error_code: str) -> None: ...

    def left_out(self, model: str) -> None:
        """Something that the model refused is left out of later requests."""


class SpendWatcher(Protocol):
    """Takes note of what was done with the account of spend beside serving."""

    def spend_checked(self, differences: int) -> None: ...

    def tidied(self, what: Tidied, count: int) -> None:
        """So many settlements were made for requests that nobody else would settle."""


Watched = Literal[
    "gateway_requests_in_flight",
    "gateway_background_tasks",
    "gateway_body_bytes_in_flight",
    "gateway_database_connections",
    "gateway_database_connections_used",
    "gateway_database_requests_waiting",
    "gateway_spool_settlements",
    "gateway_spool_bytes",
    "gateway_keys_remembered",
    "gateway_database_silence_seconds",
]
"""What is looked at when it is asked for, rather than noted when it changes."""


class Telemetry(OutcomeSink, AttemptWatcher, SpendWatcher, Protocol):
    """All that is told of requests."""

    def watch(self, name: Watched, value: Callable[[], float]) -> None:
        """From now on `value` says how it stands."""

    async def run(self) -> None:
        """What telemetry does beside being told, until cancelled."""

    async def exposition(self) -> bytes:
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
    listing: Listing
    templates: Templates
    audit: AuditLog
    operator: OperatorWords
    ledger: Ledger
    history: SpendHistory
    upkeep: SpendUpkeep
    old_rows: OldRows
    spool: Spool
    upstream: Upstream
    counter: UpstreamCounter
    telemetry: Telemetry
    health: Health
