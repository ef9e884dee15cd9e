"""What users and keys have spent, and windows for budgets that are new."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from app.domain.budgets import LIFETIME
from app.domain.keys import Key, User
from app.domain.ledger import Account, Scope
from app.ports import Records
from app.service.accounts import Accounts
from app.service.clock import Clock

WHOLE: Final = frozenset({Scope.KEY, Scope.USER})


@dataclass(frozen=True, slots=True)
class Spending:
    """USD: `spend` in the budget's present window, `total` for ever, `by_model` in the windows of
    budgets by model; `resets_at` in UTC."""

    spend: Decimal
    total: Decimal
    resets_at: datetime | None
    by_model: Mapping[str, Decimal]


class Spendings:
    """Reads the accounts of users and keys."""

    def __init__(self, records: Records, accounts: Accounts, clock: Clock) -> None:
        self._records = records
        self._accounts = accounts
        self._clock = clock

    async def of(self, holder: Key | User) -> Spending:
        (spending,) = await self.of_all([holder])
        return spending

    async def of_all(self, holders: Sequence[Key | User]) -> list[Spending]:
        """In their order, by one statement."""
        now = self._clock.now()
        accounts = [(_lifetime(h), *self._accounts.windows(h, now)) for h in holders]
        spends = iter(await self._records.spends([a for group in accounts for a in group]))
        found = []
        for holder, group in zip(holders, accounts, strict=True):
            total, *by_model, spend = [next(spends) for _ in group]
            models = sorted(holder.allowance.model_budgets)
            found.append(
                Spending(
                    spend, total, group[-1].window.end, dict(zip(models, by_model, strict=True))
                )
            )
        return found

    async def open_windows(self, holders: Iterable[Key | User]) -> None:
        """Let the windows that budgets have now begin with what was spent in them already, so that
        neither a new budget starts from nothing nor an old one's spend blocks it."""
        for holder in holders:
            windows = self._accounts.windows(holder, self._clock.now())
            # What a key or a user spent in all is counted from the first request on.
            if fresh := [w for w in windows if not w.lifetime or w.scope not in WHOLE]:
                await self._records.open_windows(fresh)


def _lifetime(holder: Key | User) -> Account:
    scope = Scope.KEY if isinstance(holder, Key) else Scope.USER
    return Account(scope, holder.id, LIFETIME, None)
