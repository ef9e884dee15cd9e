"""The columns of users, keys and budgets, and statements put together from them."""

from collections.abc import Iterable
from typing import LiteralString

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
