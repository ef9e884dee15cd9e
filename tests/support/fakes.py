"""Stand-ins for the world outside, in memory. Each does what its port says."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from app.core.budgets import LimitedBy, LimitKind, Limits, LimitScope
from app.core.ids import InstanceId, KeyHash, RequestId
from app.core.time import Clock
from app.errors import GatewayError
from app.identity.policy import Caller
from app.ledger.record import (
    BudgetCounter,
    BudgetRejection,
    BudgetState,
    Grant,
    Ledger,
    RateLimitRejection,
    RateLimitState,
    RequestRecord,
    ReserveRequest,
    Settled,
)
from app.upstream.upstream import Call, Completion


@dataclass
class FakeTime:
    """Time that passes only when it is told to."""

    instant: datetime = datetime(2026, 11, 23, 12, tzinfo=UTC)
    seconds: float = 1000

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.instant, monotonic=lambda: self.seconds)

    def advance(self, seconds: float) -> None:
        self.seconds += seconds
        self.instant += timedelta(seconds=seconds)


AccountName = tuple[str, str, datetime]
Sums = defaultdict[AccountName, Decimal]


def _no_money() -> Sums:
    return defaultdict(Decimal)


@dataclass
class MemoryLedger:
    """The ledger's contract in a few lines: `tests/contract/test_ledger.py` holds it to that."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    holds: list[ReserveRequest] = field(default_factory=list)
    """Every hold that was asked for."""
    reservations: dict[RequestId, ReserveRequest] = field(default_factory=dict)
    log: dict[RequestId, RequestRecord] = field(default_factory=dict)
    settled: list[RequestRecord] = field(default_factory=list)
    """Every settlement that was asked for, repetitions too."""
    beats: list[InstanceId] = field(default_factory=list)
    prepared: list[datetime] = field(default_factory=list)
    away: GatewayError | None = None
    """Raised by every call while it is set."""
    gate: asyncio.Event | None = None
    """While it is there, holds and settlements wait for it."""
    asked_to_settle: asyncio.Event = field(default_factory=asyncio.Event)
    lasts: asyncio.Future[bool] | None = None
    """While it is there, it tells whether what is booked lasts."""
    _spent: Sums = field(default_factory=_no_money)
    _held: Sums = field(default_factory=_no_money)
    _seen: dict[InstanceId, datetime] = field(default_factory=dict)
    _buckets: dict[tuple[LimitScope, str], "_Bucket"] = field(default_factory=dict)

    async def hold(self, hold: ReserveRequest) -> Grant | BudgetRejection | RateLimitRejection:
        self._answer()
        self.holds.append(hold)
        if self.gate is not None:
            await self.gate.wait()
            self._answer()
        before = self.reservations.get(hold.request_id)
        if before is None and hold.grows:
            return Grant()
        readings: list[RateLimitState] = []
        for limited_by in hold.limits if before is None else ():
            bucket = self._leaked(limited_by)
            if refusal := bucket.refusal(limited_by, hold.tokens):
                return refusal
            readings.append(RateLimitState(limited_by, bucket.requests, bucket.tokens))
        more = hold.amount - (before.amount if before else 0)
        for account in _capped(hold.accounts):
            spent, held = self.spent(account), self.held(account)
            if more > 0 and spent + held + more + hold.spare > (account.cap or 0):
                return BudgetRejection(account, spent=spent, held=held)
        self._add(self._held, _capped(hold.accounts), more)
        for reading in readings:
            self._leaked(reading.limited_by).take(hold.tokens)
        self.reservations[hold.request_id] = replace(before or hold, amount=hold.amount)
        standings = (
            BudgetState(a, self.spent(a), self.held(a) if a.cap is not None else Decimal(0))
            for a in hold.accounts
            if a.watched
        )
        return Grant(tuple(standings), tuple(readings))

    async def book(self, record: RequestRecord) -> Settled:
        await self.settle(record)
        lasts = self.lasts
        if lasts is None:
            lasts = asyncio.get_running_loop().create_future()
            lasts.set_result(True)
        return Settled([self.spent(account) for account in record.counters], lasts)

    async def settle(self, record: RequestRecord) -> None:
        self.asked_to_settle.set()
        if self.gate is not None:
            await self.gate.wait()
        self._answer()
        self.settled.append(record)
        released = self.reservations.pop(record.request_id, None)
        logged = self.log.get(record.request_id)
        if logged is None or (logged.ending == "gateway_lost" != record.ending):
            self.log[record.request_id] = record
            more = record.cost - (logged.cost if logged else 0)
            self._add(self._spent, record.counters, more)
        if released is not None:
            self._add(self._held, _capped(record.counters), -released.amount)
            used = record.usage.total_tokens - record.usage.cache_read_tokens
            surplus = 0 if record.ending == "gateway_lost" else used - released.tokens
            for limited_by in released.limits:
                self._leaked(limited_by).give_back(surplus)

    async def heartbeat(self, owner: InstanceId) -> None:
        self._answer()
        self.beats.append(owner)
        self._seen[owner] = self.now()

    async def orphans(self, silent_seconds: float) -> Sequence[ReserveRequest]:
        self._answer()
        latest = self.now() - timedelta(seconds=silent_seconds)
        alive = {owner for owner, seen in self._seen.items() if seen > latest}
        lost = [
            replace(hold, grows=True)
            for hold in self.reservations.values()
            if hold.owner not in alive and hold.started_at < latest
        ]
        return sorted(lost, key=lambda hold: hold.started_at)

    async def strays(
        self, owner: InstanceId, known: Collection[RequestId], seconds: float
    ) -> Sequence[ReserveRequest]:
        self._answer()
        latest = self.now() - timedelta(seconds=seconds)
        found = [
            replace(hold, grows=True)
            for hold in self.reservations.values()
            if hold.owner == owner and hold.request_id not in known and hold.started_at < latest
        ]
        return sorted(found, key=lambda hold: hold.started_at)

    async def prepare(self, now: datetime) -> None:
        self._answer()
        self.prepared.append(now)

    async def forget(self, owner: InstanceId) -> None:
        self._answer()
        self._seen.pop(owner, None)

    def _leaked(self, limited_by: LimitedBy) -> "_Bucket":
        name = limited_by.scope, limited_by.id
        bucket = self._buckets.setdefault(name, _Bucket(self.now()))
        bucket.leak(limited_by.limits, self.now())
        return bucket

    def spent(self, account: BudgetCounter) -> Decimal:
        return self._spent[_name(account)]

    def held(self, account: BudgetCounter) -> Decimal:
        return self._held[_name(account)]

    def _answer(self) -> None:
        if self.away is not None:
            raise self.away

    @staticmethod
    def _add(sums: Sums, accounts: Sequence[BudgetCounter], amount: Decimal) -> None:
        for account in accounts:
            sums[_name(account)] += amount


@dataclass
class _Bucket:
    """How full the token buckets of one limit are, and what is in flight."""

    as_of: datetime
    requests: float = 0
    tokens: float = 0
    in_flight: int = 0

    def leak(self, limits: Limits, now: datetime) -> None:
        minutes = max(0.0, (now - self.as_of).total_seconds()) / 60
        self.requests = max(0.0, self.requests - minutes * (limits.rpm or 0))
        self.tokens = max(0.0, self.tokens - minutes * (limits.tpm or 0))
        self.as_of = now

    def refusal(self, by: LimitedBy, tokens: int) -> RateLimitRejection | None:
        rpm, tpm, parallel = by.limits.rpm, by.limits.tpm, by.limits.parallel
        if parallel is not None and self.in_flight >= parallel:
            return RateLimitRejection(by, LimitKind.PARALLEL, None)
        if rpm is not None and self.requests + 1 > rpm + 1e-6:
            wait = (self.requests + 1 - rpm) * 60 / rpm if rpm else None
            return RateLimitRejection(by, LimitKind.REQUESTS, wait)
        if tpm is not None and (tpm == 0 or 0 < self.tokens > tpm - tokens + 1e-6):
            wait = (self.tokens - max(0, tpm - tokens)) * 60 / tpm if tpm else None
            return RateLimitRejection(by, LimitKind.TOKENS, wait)
        return None

    def take(self, tokens: int) -> None:
        self.requests += 1
        self.tokens += tokens
        self.in_flight += 1

    def give_back(self, surplus: int) -> None:
        self.tokens = max(0.0, self.tokens + surplus)
        self.in_flight -= 1


def _capped(accounts: Sequence[BudgetCounter]) -> list[BudgetCounter]:
    return [account for account in accounts if account.cap is not None]


def _name(account: BudgetCounter) -> AccountName:
    return account.scope.value, account.id, account.window.start


@dataclass
class MemoryDirectory:
    """Keys by their hash. A lookup can be held up by `gate`, or fail with `away`."""

    callers: dict[KeyHash, Caller] = field(default_factory=dict)
    lookups: list[tuple[KeyHash, ...]] = field(default_factory=list)
    away: GatewayError | None = None
    gate: asyncio.Event | None = None

    async def find(self, key_hashes: Sequence[KeyHash]) -> Mapping[KeyHash, Caller]:
        self.lookups.append(tuple(key_hashes))
        found = {one: self.callers[one] for one in key_hashes if one in self.callers}
        if self.gate is not None:
            await self.gate.wait()
        if self.away is not None:
            raise self.away
        return found


@dataclass
class MemorySpool:
    """Keeps settlements, up to `room` of them."""

    kept: list[RequestRecord] = field(default_factory=list)
    room: int = 100

    async def add(self, record: RequestRecord) -> None:
        if len(self.kept) >= self.room:
            raise OSError(28, "No space left on device")
        self.kept.append(record)

    async def replay(self, ledger: Ledger) -> int:
        count = 0
        while self.kept:
            await ledger.settle(self.kept[0])
            del self.kept[0]
            count += 1
        return count


@dataclass
class RecordList:
    """Keeps every record, and the budgets it counts against."""

    records: list[RequestRecord] = field(default_factory=list)
    budgets: list[tuple[BudgetState, ...]] = field(default_factory=list)

    def record(self, record: RequestRecord, spent: Sequence[Decimal] = ()) -> None:
        self.records.append(record)
        self.budgets.append(record.budgets(spent))


Step = Sequence[bytes] | GatewayError | BaseException | asyncio.Event
"""Events of one read, an error it raises, or something it waits for first."""


@dataclass
class ScriptedStream:
    """An answer that goes by a script; after the last step comes the end."""

    steps: list[Step]
    closed: int = 0
    upstream_request_id: str | None = "aws-1"

    async def read(self) -> list[bytes]:
        while self.steps:
            step = self.steps[0]
            if isinstance(step, asyncio.Event):
                await step.wait()
                del self.steps[0]
                continue
            del self.steps[0]
            if isinstance(step, BaseException):
                raise step
            return list(step)
        return []

    async def close(self) -> None:
        self.closed += 1


@dataclass
class ScriptedUpstream:
    """Answers every call with what it was given."""

    whole: Completion | BaseException | None = None
    streamed: ScriptedStream | BaseException | None = None
    gate: asyncio.Event | None = None
    """While it is there, both calls wait for it before they answer."""
    calls: list[Call] = field(default_factory=list)
    called: asyncio.Event = field(default_factory=asyncio.Event)

    async def invoke(self, call: Call) -> Completion:
        self._note(call)
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(self.whole, BaseException):
            raise self.whole
        assert self.whole is not None
        return self.whole

    async def stream(self, call: Call) -> ScriptedStream:
        self._note(call)
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(self.streamed, BaseException):
            raise self.streamed
        assert self.streamed is not None
        return self.streamed

    def _note(self, call: Call) -> None:
        self.calls.append(call)
        self.called.set()
