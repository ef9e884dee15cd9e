"""A whole gateway with its database and its Bedrock, and what tests ask of it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.support import prices
from tests.support.processes import (
    EmulatorProcess,
    GatewayProcess,
    emulator_process,
    gateway_process,
)


@dataclass(frozen=True, slots=True)
class Queries:
    """What tests ask of the database itself."""

    database_url: str

    def query(self, sql: str, *parameters: Any) -> list[dict[str, Any]]:
        with psycopg.connect(self.database_url, autocommit=True, row_factory=dict_row) as c:
            return c.execute(sql.encode(), parameters).fetchall()

    def execute(self, sql: str) -> None:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(sql.encode())

    def spend_log(self) -> list[dict[str, Any]]:
        return self.query("SELECT * FROM spend_log ORDER BY started_at")

    def reservations(self) -> list[dict[str, Any]]:
        return self.query("SELECT * FROM reservation")


@dataclass(frozen=True, slots=True)
class Stack(Queries):
    """`gateway` may be started again by tests that break it."""

    gateway: GatewayProcess
    emulator: EmulatorProcess
    directory: Path


@contextmanager
def running_stack(
    database_url: str, directory: Path, *emulator_arguments: str, **settings: str
) -> Iterator[Stack]:
    """Everything freshly started; `settings` are environment variables of the gateway."""
    with (
        emulator_process(*emulator_arguments) as emulator,
        gateway_process(database_url, emulator.url, directory, settings) as gateway,
    ):
        yield Stack(database_url, gateway, emulator, directory)


def costs(rows: Sequence[Mapping[str, Any]]) -> list[Decimal]:
    """What Bedrock's invoice would say of each row of the emulator's log."""
    return [prices.cost(row) for row in rows]


def billed(rows: Sequence[Mapping[str, Any]]) -> Decimal:
    """What Bedrock's invoice would say: the emulator's own log."""
    return prices.bill(rows)


def assert_spend_equals_the_bill(stack: Stack) -> None:
    """To the last digit: the log, the counters, and what Bedrock generated."""
    spent = sum((row["cost"] for row in stack.spend_log()), Decimal(0))
    assert spent == billed(stack.emulator.usage())
    counted = stack.query(
        "SELECT coalesce(sum(spent), 0) AS spent, coalesce(sum(reserved), 0) AS reserved "
        "FROM budget_counter WHERE scope = 'key' AND window_start = 'epoch'"
    )[0]
    assert (counted["spent"], counted["reserved"]) == (spent, 0)
    assert stack.reservations() == []
