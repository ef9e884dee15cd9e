"""Small valid records, for tests to change where it matters to them."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from app.core.budgets import LIFETIME, Budget, Window
from app.core.ids import Author, Credentials, InstanceId, KeyId, RequestId, UserId
from app.core.usage import Usage
from app.identity.policy import EVERYTHING, Caller, Key, Policy, User, hash_key, key_name
from app.inference.request import ReadBody
from app.ledger.record import BudgetCounter, RequestRecord, ReserveRequest, Scope

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TODAY = Window(NOW.replace(hour=0), NOW.replace(hour=0) + timedelta(days=1))
SECRET = "sk-secret-of-the-tests"
KEY_HASH = hash_key(SECRET)
KEY_ID = KeyId(KEY_HASH)
AUTHOR = Author("master key", "req_1")

_numbers = count()


def request_id() -> RequestId:
    return RequestId(f"req_{next(_numbers):024x}")


def key(**changes: Any) -> Key:
    """`models`, `budget` and other fields of its own allowance may be given as they are. A key of
    another `hash` has another id."""
    changes = _allowed(changes)
    if "hash" in changes:
        changes.setdefault("id", KeyId(changes["hash"]))
    plain = Key(
        id=KEY_ID,
        hash=KEY_HASH,
        name=key_name(SECRET),
        alias="a-key",
        user_id=None,
        expires=None,
        blocked=False,
        own=EVERYTHING,
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(plain, **changes)


def credentials(*keys: str, address: str = "192.0.2.1") -> Credentials:
    return Credentials(keys, address)


def sent(body: bytes) -> ReadBody:
    """The reading of a body that has arrived."""

    async def read() -> bytes:
        return body

    return read


def user(**changes: Any) -> User:
    """As with keys, fields of its own allowance may be given as they are."""
    plain = User(
        id=UserId("ada"),
        email=None,
        alias=None,
        blocked=False,
        own=EVERYTHING,
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(plain, **_allowed(changes))


def _allowed(changes: dict[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(Policy)} & changes.keys()
    own = replace(changes.get("own", EVERYTHING), **{name: changes[name] for name in names})
    return {n: value for n, value in changes.items() if n not in names} | {"own": own}


def caller(*, cap: str | None = None, duration: str | None = None, **changes: Any) -> Caller:
    """A key without a user; `cap` in USD."""
    budget = Budget(Decimal(cap) if cap is not None else None, duration)
    return Caller(key(budget=budget, **changes), None)


def account(
    scope: Scope = Scope.KEY, cap: str | None = None, window: Window = LIFETIME, id_: str = "a"
) -> BudgetCounter:
    return BudgetCounter(scope, id_, window, Decimal(cap) if cap is not None else None)


def hold(*accounts: BudgetCounter, amount: str = "1", **changes: Any) -> ReserveRequest:
    plain = ReserveRequest(
        request_id=request_id(),
        owner=InstanceId("gateway-1"),
        started_at=NOW,
        key_id=KEY_ID,
        user_id=None,
        model="claude-haiku-4-5",
        bedrock_id="us.anthropic.claude-haiku-4-5-20251001-v1:0",
        accounts=accounts,
        amount=Decimal(amount),
        grows=False,
    )
    return replace(plain, **changes)


def settlement(held: ReserveRequest, cost: str = "0.5", **changes: Any) -> RequestRecord:
    """The end of a request that was held for."""
    plain = RequestRecord(
        request_id=held.request_id,
        started_at=held.started_at,
        finished_at=held.started_at + timedelta(seconds=3),
        api_format="anthropic",
        status=200,
        ending="completed",
        key_id=held.key_id,
        user_id=held.user_id,
        model=held.model,
        upstream_model=held.bedrock_id,
        upstream_request_id="aws-1",
        stream=True,
        usage=Usage(10, 20, 30, 40, 50),
        cost=Decimal(cost),
        ttfb_seconds=0.12,
        session_id="session-1",
        user_agent="claude-cli/2.1.330",
        counters=held.accounts,
    )
    return replace(plain, **changes)


def record(**changes: Any) -> RequestRecord:
    """A streamed request that went well."""
    plain = RequestRecord(
        request_id=request_id(),
        started_at=NOW,
        finished_at=NOW + timedelta(seconds=1.5),
        api_format="anthropic",
        route="/v1/messages",
        status=200,
        ending="completed",
        key_id=KEY_ID,
        key_alias="a-key",
        key_name="sk-...abcd",
        user_id=UserId("ada"),
        model="claude-haiku-4-5",
        upstream_model="us.anthropic.claude-haiku-4-5-20251001-v1:0",
        upstream_request_id="aws-1",
        stream=True,
        usage=Usage(10, 20, 300, 4000, 50000),
        cost=Decimal("0.25"),
        latency_seconds=1.5,
        ttfb_seconds=0.3,
        upstream_seconds=1.49,
        session_id="session-1",
        user_agent="claude-cli/2.1.330",
    )
    return replace(plain, **changes)
