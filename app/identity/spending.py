"""What users and keys have spent, and windows for budgets that are new."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeVar

from app.core.budgets import LIFETIME
from app.core.time import Clock
from app.errors import DatabaseUnavailable, NotFound
from app.identity.fields import WINDOWS
from app.identity.policy import EVERYTHING, Accounts, Key, Policy, User
from app.identity.records import Records
from app.ledger.record import BudgetCounter, Scope

Holder = TypeVar("Holder", Key, User)

WHOLE: Final = frozenset({Scope.KEY, Scope.USER})


@dataclass(frozen=True, slots=True)
class SpendTotal:
    """USD: `spend` in the budget's current period, `total` ever, `by_model` in the periods of
    budgets by model; `resets_at` in UTC. Amounts that could not be read are None."""

    spend: Decimal | None
    total: Decimal | None
    resets_at: datetime | None
    by_model: Mapping[str, Decimal]


class SpendTotals:
    """Reads the accounts of users and keys."""

    def __init__(self, records: Records, accounts: Accounts, clock: Clock) -> None:
        self._records = records
        self._accounts = accounts
        self._clock = clock

    async def of(self, holder: Key | User) -> SpendTotal:
        (spending,) = await self.of_all([holder])
        return spending

    async def of_all(self, holders: Sequence[Key | User]) -> list[SpendTotal]:
        """In their order, by one statement."""
        now = self._clock.now()
        accounts = [(_lifetime(h), *self._accounts.windows(h, now)) for h in holders]
        spends = iter(await self._records.spends([a for group in accounts for a in group]))
        found = []
        for holder, group in zip(holders, accounts, strict=True):
            total, *by_model, spend = [next(spends) for _ in group]
            models = sorted(holder.allowance.model_budgets)
            found.append(
                SpendTotal(
                    spend, total, group[-1].window.end, dict(zip(models, by_model, strict=True))
                )
            )
        return found

    def none(self, holder: Key | User) -> SpendTotal:
        """What somebody new has spent."""
        nothing = Decimal(0)
        windows = self._accounts.windows(holder, self._clock.now())
        by_model = dict.fromkeys(sorted(holder.allowance.model_budgets), nothing)
        return SpendTotal(nothing, nothing, windows[-1].window.end, by_model)

    async def if_readable(self, holder: Key | User) -> SpendTotal:
        """For an answer that must not fail: without amounts while the database is unavailable."""
        try:
            return await self.of(holder)
        except DatabaseUnavailable:
            return replace(self.none(holder), spend=None, total=None, by_model={})

    def windows(self, holder: Key | User) -> list[BudgetCounter]:
        """The present windows of a holder's budgets that are to begin with what was spent in them
        already, so that neither a new budget starts from nothing nor an old one's spend blocks
        it."""
        windows = self._accounts.windows(holder, self._clock.now())
        # What a key or a user spent in all is counted from the first request on.
        return [w for w in windows if not w.lifetime or w.scope not in WHOLE]

    async def shared_budget(self, budget_id: str | None) -> Policy:
        """What the named budget says. Raises NotFound."""
        if budget_id is None:
            return EVERYTHING
        found = await self._records.shared_budget(budget_id)
        if found is None:
            raise NotFound(f"There is no budget {budget_id!r}; see /budget/list.")
        return found

    async def opened_by(self, holder: Holder, changes: Mapping[str, Any]) -> list[BudgetCounter]:
        """The windows that a change of these fields opens. Raises NotFound for a budget."""
        if not WINDOWS & changes.keys():
            return []
        own, template = holder.own, holder.template
        budget_id: str | None = changes.get("budget_id", holder.budget_id)
        if budget_id != holder.budget_id:
            template = await self.shared_budget(budget_id)
        duration = changes.get("budget_duration", own.budget.duration)
        changed = replace(
            own,
            budget=replace(own.budget, duration=duration),
            model_budgets=changes.get("model_max_budget", own.model_budgets),
        )
        return self.windows(replace(holder, own=changed, budget_id=budget_id, template=template))

    async def open_windows(self, holders: Iterable[Key | User]) -> None:
        """Open the present windows of all budgets of these."""
        for holder in holders:
            if fresh := self.windows(holder):
                await self._records.open_windows(fresh)


def _lifetime(holder: Key | User) -> BudgetCounter:
    scope = Scope.KEY if isinstance(holder, Key) else Scope.USER
    return BudgetCounter(scope, holder.id, LIFETIME, None)
