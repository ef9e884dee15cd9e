"""Any interleaving of admissions, growth, settlements, crashes, new windows and changed budgets:
PostgreSQL's ledger answers and counts as a plain model in memory does."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, LiteralString
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from app.core.budgets import LIFETIME, LimitedBy, Limits, LimitScope, Window
from app.core.ids import InstanceId
from app.core.usage import Usage
from app.database.database import Database
from app.ledger.ledger import PostgresLedger
from app.ledger.record import BudgetCounter, Grant, ReserveRequest, Scope
from tests.support.examples import NOW, hold, settlement
from tests.support.fakes import MemoryLedger

LONG_AGO = NOW - timedelta(days=300)
DAY = timedelta(days=1)
USD = st.decimals("0", "5", places=6)
SHARED = "everybody"


class Runner:
    """An event loop with a database in it, for tests that are not asynchronous themselves."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._runner = asyncio.Runner()
        self._database = self.run(self._open())
        self.ledger = PostgresLedger(self._database)
        self._connection = psycopg.connect(dsn, autocommit=True)

    def query(self, sql: LiteralString, *parameters: Any) -> list[Any]:
        return self._connection.execute(sql, parameters).fetchall()

    async def _open(self) -> Database:
        return await Database(self._dsn, pool_size=2, timeout_seconds=10).__aenter__()

    def run(self, awaitable: Any) -> Any:
        return self._runner.run(awaitable)

    def close(self) -> None:
        self._connection.close()
        self.run(self._database.__aexit__(None, None, None))
        self._runner.close()


@pytest.fixture
def runner(database_url: str) -> Iterator[Runner]:
    runner = Runner(database_url)
    yield runner
    runner.close()


class LedgerMachine(RuleBasedStateMachine):
    """Three keys of two users, under a global budget; their gateways come and go."""

    runner: Runner

    def __init__(self) -> None:
        super().__init__()
        self.model = MemoryLedger(now=lambda: NOW)
        self.mark = uuid4().hex[:12]
        self.day = 0
        self.caps: dict[str, Decimal | None] = {}
        self.open: list[ReserveRequest] = []
        self.closed: list[ReserveRequest] = []
        self.seen: set[BudgetCounter] = set()
        self.owner = InstanceId(uuid4().hex)

    def accounts(self, key: int) -> tuple[BudgetCounter, ...]:
        """Of a request today: lifetimes without a cap, and windows that have one or not."""
        window = Window(LONG_AGO + self.day * DAY, None)
        names = [
            (Scope.KEY_MODEL, f"opus/{self.mark}-{key}"),
            (Scope.KEY, f"{self.mark}-{key}"),
            (Scope.USER, f"{self.mark}-{key % 2}"),
            (Scope.GLOBAL, self.mark),
        ]
        found: list[BudgetCounter] = []
        for scope, id_ in names:
            if scope in (Scope.KEY, Scope.USER):
                found.append(BudgetCounter(scope, id_, LIFETIME, None))
            found.append(BudgetCounter(scope, id_, window, self.caps.get(f"{scope} {key}")))
        self.seen.update(replace(account, cap=None) for account in found)
        return tuple(found)

    def both(self, call: str, *arguments: Any) -> Any:
        """What both say, which must be the same."""
        real = self.runner.run(getattr(self.runner.ledger, call)(*arguments))
        expected = self.runner.run(getattr(self.model, call)(*arguments))
        assert real == expected
        return real

    @rule(key=st.integers(0, 2), amount=USD, parallel=st.none() | st.integers(1, 3))
    def admit(self, key: int, amount: Decimal, parallel: int | None) -> None:
        limits = (
            LimitedBy(LimitScope.KEY, f"{self.mark}-{key}", Limits(parallel=parallel)),
            LimitedBy(LimitScope.MODEL, self.mark, Limits(parallel=4)),
        )
        asked = hold(
            *self.accounts(key),
            amount=str(amount),
            owner=self.owner,
            started_at=LONG_AGO + self.day * DAY,
            limits=limits if parallel else limits[1:],
            tokens=10,
        )
        answer = self.both("hold", asked)
        if isinstance(answer, Grant):
            self.open.append(asked)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), amount=USD)
    def grow_or_shrink(self, data: st.DataObject, amount: Decimal) -> None:
        grown = replace(data.draw(st.sampled_from(self.open)), amount=amount, grows=True)
        self.both("hold", grown)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def repeat_a_hold_whose_answer_was_lost(self, data: st.DataObject) -> None:
        held = data.draw(st.sampled_from(self.open))
        before = self.model.reservations[held.request_id]
        self.both("hold", replace(held, amount=before.amount))

    @precondition(lambda self: self.open)
    @rule(data=st.data(), cost=USD)
    def settle(self, data: st.DataObject, cost: Decimal) -> None:
        held = data.draw(st.sampled_from(self.open))
        self.open.remove(held)
        self.closed.append(held)
        self.both("settle", settlement(held, cost=str(cost), usage=Usage(1, 1)))

    @precondition(lambda self: self.closed)
    @rule(data=st.data(), cost=USD)
    def settle_again(self, data: st.DataObject, cost: Decimal) -> None:
        held = data.draw(st.sampled_from(self.closed))
        self.both("settle", settlement(held, cost=str(cost), usage=Usage(1, 1)))

    @precondition(lambda self: self.closed)
    @rule(data=st.data(), amount=USD)
    def grow_what_is_settled(self, data: st.DataObject, amount: Decimal) -> None:
        held = data.draw(st.sampled_from(self.closed))
        self.both("hold", replace(held, amount=amount, grows=True))

    @rule()
    def crash(self) -> None:
        """The gateway dies with all that it holds; another one settles that at what was held."""
        lost = [h for h in self.runner.run(self.runner.ledger.orphans(0)) if h.owner == self.owner]
        for orphan in sorted(lost, key=lambda h: h.request_id):
            guess = settlement(
                orphan,
                cost=str(orphan.amount),
                ending="gateway_lost",
                estimated=True,
                usage=Usage(),
            )
            self.both("settle", guess)
        assert {h.request_id for h in lost} == {h.request_id for h in self.open}
        self.closed += self.open
        self.open = []
        self.owner = InstanceId(uuid4().hex)

    @rule()
    def pass_midnight(self) -> None:
        self.day += 1

    @rule(
        scope=st.sampled_from([Scope.KEY_MODEL, Scope.KEY, Scope.USER, Scope.GLOBAL]),
        key=st.integers(0, 2),
        cap=st.none() | st.decimals("0", "8", places=6),
    )
    def change_a_budget(self, scope: Scope, key: int, cap: Decimal | None) -> None:
        self.caps[f"{scope} {key}"] = cap

    @invariant()
    def every_account_is_as_in_the_model(self) -> None:
        rows = self.runner.query(
            "SELECT scope, id, window_start, spent, reserved FROM budget_counter WHERE id LIKE %s",
            f"%{self.mark}%",
        )
        real = {(scope, id_, start): (spent, held) for scope, id_, start, spent, held in rows}
        for account in self.seen:
            name = (account.scope.value, account.id, account.window.start)
            expected = self.model.spent(account), self.model.held(account)
            assert real.get(name, (0, 0)) == expected

    @invariant()
    def nothing_is_held_but_for_requests_in_flight(self) -> None:
        held = self.runner.query(
            "SELECT count(*) FROM reservation WHERE instance_id = %s", self.owner
        )
        flying = self.runner.query(
            "SELECT coalesce(sum(in_flight), 0) FROM rate_limit_bucket"
            " WHERE scope = 'model' AND id = %s",
            self.mark,
        )
        assert held == flying == [(len(self.open),)]


def test_the_ledger_does_what_the_model_does(runner: Runner) -> None:
    machine = type("Machine", (LedgerMachine,), {"runner": runner})

    run_machine(
        machine,
        settings=settings(
            max_examples=100,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
