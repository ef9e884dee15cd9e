"""Which budgets a request counts against."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from app.domain.budgets import LIFETIME, Budget, window_at
from app.domain.keys import Caller
from app.domain.ledger import Account, Scope

EVERYBODY = "*"
"""The id of the global account."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """Every request is booked on the lifetime of its key and user, and on the windows of its
    budgets; the global account exists only where there is a global cap, as all would share it."""

    global_budget: Budget
    zone: ZoneInfo

    def of(self, caller: Caller, now: datetime) -> tuple[Account, ...]:
        """In the order in which rows are locked."""
        accounts = self._scope(Scope.KEY, caller.key.hash, caller.key.budget, now)
        if caller.user is not None:
            accounts += self._scope(Scope.USER, caller.user.id, caller.user.budget, now)
        if self.global_budget.max is not None:
            accounts += self._scope(Scope.GLOBAL, EVERYBODY, self.global_budget, now)
        return accounts

    def present(self, scope: Scope, id_: str, budget: Budget, now: datetime) -> Account:
        """The account that the budget's cap applies to now."""
        return Account(scope, id_, window_at(budget.duration, now, self.zone), budget.max)

    def _scope(self, scope: Scope, id_: str, budget: Budget, now: datetime) -> tuple[Account, ...]:
        present = self.present(scope, id_, budget, now)
        if present.lifetime:
            return (present,)
        return (Account(scope, id_, LIFETIME, None), present)
