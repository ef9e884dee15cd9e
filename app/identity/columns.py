"""The columns of users, keys and budgets, and statements put together from them."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, LiteralString

from psycopg.types.json import Jsonb

from app.core.budgets import Budget, Increase, Limits
from app.core.guardrail import Guardrail
from app.core.ids import KeyHash, KeyId, UserId
from app.identity.policy import EVERYTHING, Caller, Key, Policy, Role, User

BUDGET_COLUMNS = (
    "max_budget",
    "soft_budget",
    "budget_duration",
    "rpm_limit",
    "tpm_limit",
    "max_parallel_requests",
    "model_max_budget",
)

ALLOWANCE_COLUMNS = (
    *BUDGET_COLUMNS,
    "models",
    "temp_budget_increase",
    "temp_budget_expiry",
    "model_rpm_limit",
    "model_tpm_limit",
    "budget_id",
    "guardrail",
    "blocked",
    "metadata",
    "created_at",
    "updated_at",
)

USER_COLUMNS = ("user_id", "user_email", "user_alias", "user_role", *ALLOWANCE_COLUMNS)

KEY_COLUMNS = (
    "key_id",
    "key_hash",
    "key_name",
    "key_alias",
    "user_id",
    "expires",
    "tags",
    "created_by",
    *ALLOWANCE_COLUMNS,
)


def shown(table: LiteralString, names: tuple[LiteralString, ...]) -> LiteralString:
    """For a SELECT: each column under the name of its table, as `k.models AS k_models`."""
    return ", ".join(f"{table}.{name} AS {table}_{name}" for name in names)


TEMPLATE_COLUMNS = ("budget_id", *BUDGET_COLUMNS)

KEY_SHOWN: LiteralString = f"{shown('k', KEY_COLUMNS)}, {shown('kb', TEMPLATE_COLUMNS)}"

USER_SHOWN: LiteralString = f"{shown('u', USER_COLUMNS)}, {shown('ub', TEMPLATE_COLUMNS)}"


def insert(
    table: LiteralString, names: tuple[LiteralString, ...], mark: LiteralString = ""
) -> LiteralString:
    """An INSERT of these columns; the parameters are their names with the mark before them."""
    dated = ("created_at", "updated_at")
    values = ", ".join(
        f"coalesce(%({mark}{name})s, now())" if name in dated else f"%({mark}{name})s"
        for name in names
    )
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({values})"


def update(table: LiteralString, name: LiteralString, changes: Iterable[str]) -> LiteralString:
    """An UPDATE of the columns that changed, in the row of that name."""
    return (
        f"UPDATE {table} SET {assignments(changes)}updated_at = now() "
        f"WHERE {name} = %({name})s RETURNING *"
    )


def assignments(changes: Iterable[str]) -> LiteralString:
    """For SET: each column that changed, with a comma after it. Raises ValueError for others."""
    known: dict[str, LiteralString] = {n: n for n in (*USER_COLUMNS, *KEY_COLUMNS)}
    if strange := sorted(set(changes) - known.keys()):
        raise ValueError(f"no columns: {strange}")
    return "".join(f"{known[column]} = %({known[column]})s, " for column in changes)


Row = Mapping[str, Any]

JSON_COLUMNS = frozenset({"model_max_budget", "model_rpm_limit", "model_tpm_limit", "metadata"})

_READ_AS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "max_budget": Decimal,
    "soft_budget": Decimal,
    "temp_budget_increase": Decimal,
    "temp_budget_expiry": datetime.fromisoformat,
    "expires": datetime.fromisoformat,
    "created_at": datetime.fromisoformat,
    "updated_at": datetime.fromisoformat,
}
"""Columns, without the mark of their table, that JSON has no type for."""


def marked(mark: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {mark + name: value for name, value in values.items()}


def stored(values: Mapping[str, Any]) -> dict[str, Any]:
    """Columns as the database keeps them."""
    return {name: _stored(name, value) for name, value in values.items()}


def _stored(name: str, value: Any) -> Any:
    if name == "model_max_budget":
        return Jsonb(stored_model_budgets(value))
    return Jsonb(value) if name in JSON_COLUMNS else value


def typed(row: Row) -> Row:
    """A row of users, keys and budgets that came as JSON, with the types of its columns."""
    return {
        name: reads(value)
        if value is not None and (reads := _READ_AS.get(name.partition("_")[2]))
        else value
        for name, value in row.items()
    }


def caller_of(row: Row) -> Caller:
    """Of the columns of tables `k`, `kb`, `u` and `ub`."""
    return Caller(key_of(row), user_of(row) if row["u_user_id"] is not None else None)


def key_of(row: Row) -> Key:
    """Of the columns of tables `k`, and `kb` for its budget's."""
    user_id = row["k_user_id"]
    return Key(
        id=KeyId(row["k_key_id"]),
        hash=KeyHash(row["k_key_hash"]),
        name=row["k_key_name"],
        alias=row["k_key_alias"],
        user_id=UserId(user_id) if user_id is not None else None,
        expires=row["k_expires"],
        blocked=row["k_blocked"],
        own=_allowance(row, "k"),
        budget_id=row["k_budget_id"],
        template=_template(row, "kb"),
        guardrail=_guardrail(row["k_guardrail"]),
        tags=tuple(row["k_tags"]),
        metadata=MappingProxyType(row["k_metadata"]),
        created_at=row["k_created_at"],
        created_by=row["k_created_by"],
        updated_at=row["k_updated_at"],
    )


def user_of(row: Row) -> User:
    """Of the columns of tables `u`, and `ub` for the budget's."""
    return User(
        id=UserId(row["u_user_id"]),
        email=row["u_user_email"],
        alias=row["u_user_alias"],
        blocked=row["u_blocked"],
        own=_allowance(row, "u"),
        role=Role(row["u_user_role"]),
        budget_id=row["u_budget_id"],
        template=_template(row, "ub"),
        guardrail=_guardrail(row["u_guardrail"]),
        metadata=MappingProxyType(row["u_metadata"]),
        created_at=row["u_created_at"],
        updated_at=row["u_updated_at"],
    )


def _template(row: Row, table: str) -> Policy:
    if row[f"{table}_budget_id"] is None:
        return EVERYTHING
    return template_of(row, table)


def template_of(row: Row, table: str) -> Policy:
    """Of the columns of a budget."""
    return Policy(
        budget=Budget(
            row[f"{table}_max_budget"],
            row[f"{table}_budget_duration"],
            row[f"{table}_soft_budget"],
        ),
        limits=_limits(row, table),
        model_budgets=_model_budgets(row[f"{table}_model_max_budget"]),
    )


def _allowance(row: Row, table: str) -> Policy:
    amount: Decimal | None = row[f"{table}_temp_budget_increase"]
    until: datetime | None = row[f"{table}_temp_budget_expiry"]
    increase = Increase(amount, until) if amount is not None and until is not None else None
    rpm, tpm = row[f"{table}_model_rpm_limit"], row[f"{table}_model_tpm_limit"]
    return Policy(
        models=tuple(row[f"{table}_models"]),
        budget=Budget(
            row[f"{table}_max_budget"],
            row[f"{table}_budget_duration"],
            row[f"{table}_soft_budget"],
            increase,
        ),
        limits=_limits(row, table),
        model_budgets=_model_budgets(row[f"{table}_model_max_budget"]),
        model_limits={
            model: Limits(rpm=rpm.get(model), tpm=tpm.get(model)) for model in {**rpm, **tpm}
        },
    )


def _limits(row: Row, table: str) -> Limits:
    return Limits(
        row[f"{table}_rpm_limit"],
        row[f"{table}_tpm_limit"],
        row[f"{table}_max_parallel_requests"],
    )


def _model_budgets(stored: Mapping[str, Mapping[str, Any]]) -> dict[str, Budget]:
    return {
        model: Budget(Decimal(budget["max_budget"]), budget["budget_duration"])
        for model, budget in stored.items()
    }


def stored_model_budgets(budgets: Mapping[str, Budget]) -> dict[str, dict[str, Any]]:
    """As JSON; money in it is text, so that no reader makes a float of it."""
    return {
        model: {"max_budget": str(budget.max), "budget_duration": budget.duration}
        for model, budget in budgets.items()
    }


def _guardrail(text: str | None) -> Guardrail | None:
    return Guardrail.parse(text) if text is not None else None


def key_values(key: Key) -> dict[str, Any]:
    """A key's columns, for an INSERT."""
    return {
        "key_id": key.id,
        "key_hash": key.hash,
        "key_name": key.name,
        "key_alias": key.alias,
        "user_id": key.user_id,
        "expires": key.expires,
        "tags": list(key.tags),
        "created_by": key.created_by,
        **_common_values(key),
    }


def user_values(user: User) -> dict[str, Any]:
    """A user's columns, for an INSERT."""
    return {
        "user_id": user.id,
        "user_email": user.email,
        "user_alias": user.alias,
        "user_role": user.role.value,
        **_common_values(user),
    }


def _common_values(record: Key | User) -> dict[str, Any]:
    own = record.own
    increase = own.budget.increase
    return {
        **budget_values(own),
        "models": list(own.models),
        "temp_budget_increase": increase.amount if increase else None,
        "temp_budget_expiry": increase.until if increase else None,
        "model_rpm_limit": Jsonb(
            {m: n.rpm for m, n in own.model_limits.items() if n.rpm is not None}
        ),
        "model_tpm_limit": Jsonb(
            {m: n.tpm for m, n in own.model_limits.items() if n.tpm is not None}
        ),
        "budget_id": record.budget_id,
        "guardrail": str(record.guardrail) if record.guardrail else None,
        "blocked": record.blocked,
        "metadata": Jsonb(dict(record.metadata)),
        "created_at": record.created_at,
        "updated_at": record.updated_at,
    }


def budget_values(allowance: Policy) -> dict[str, Any]:
    """The columns of a budget, for an INSERT."""
    return {
        "max_budget": allowance.budget.max,
        "soft_budget": allowance.budget.soft,
        "budget_duration": allowance.budget.duration,
        "rpm_limit": allowance.limits.rpm,
        "tpm_limit": allowance.limits.tpm,
        "max_parallel_requests": allowance.limits.parallel,
        "model_max_budget": Jsonb(stored_model_budgets(allowance.model_budgets)),
    }
