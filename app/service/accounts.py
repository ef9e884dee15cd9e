"""Which budgets and limits a request counts against."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from app.domain.allowance import Allowance
from app.domain.budgets import LIFETIME, Budget, window_at
from app.domain.keys import Caller, Key, User
from app.domain.ledger import Account, Scope, by_model
from app.domain.limits import NO_LIMITS, LimitedBy, LimitScope
from app.domain.models import Model

EVERYBODY = "*"
"""The id of the global account."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """Every request is booked on the lifetime of its key and user, and on the windows of its
    budgets; the global account exists only where there is a global budget: all would share it."""

    global_budget: Budget
    zone: ZoneInfo
    global_model_budgets: Mapping[str, Budget] = field(default_factory=dict)
    """By public names."""

    def of(self, caller: Caller, model: str, at: datetime) -> tuple[Account, ...]:
        """Those of a request for `model` made then, in the order in which rows are locked."""
        accounts = self._model(Scope.KEY_MODEL, caller.key.id, caller.key.allowance, model, at)
        accounts += self._scope(Scope.KEY, caller.key.id, caller.key.allowance.budget, at)
        if caller.user is not None:
            id_, allowance = caller.user.id, caller.user.allowance
            accounts += self._model(Scope.USER_MODEL, id_, allowance, model, at)
            accounts += self._scope(Scope.USER, id_, allowance.budget, at)
        if budget := self.global_model_budgets.get(model):
            accounts += (self.present(Scope.GLOBAL_MODEL, by_model(model, EVERYBODY), budget, at),)
        if self.global_budget.max is not None or self.global_budget.soft is not None:
            accounts += self._scope(Scope.GLOBAL, EVERYBODY, self.global_budget, at)
        return accounts

    def present(self, scope: Scope, id_: str, budget: Budget, at: datetime) -> Account:
        """The account that the budget's cap applies to then."""
        window = window_at(budget.duration, at, self.zone)
        return Account(scope, id_, window, budget.cap(at), budget.soft)

    def windows(self, holder: Key | User, at: datetime) -> tuple[Account, ...]:
        """The present accounts of all budgets that a key or a user has, lifetimes among them."""
        is_key, allowance = isinstance(holder, Key), holder.allowance
        whole = Scope.KEY if is_key else Scope.USER
        single = Scope.KEY_MODEL if is_key else Scope.USER_MODEL
        return (
            *(
                self.present(single, by_model(model, holder.id), budget, at)
                for model, budget in sorted(allowance.model_budgets.items())
            ),
            self.present(whole, holder.id, allowance.budget, at),
        )

    def of_everybody(self, at: datetime) -> tuple[Account, ...]:
        """The present accounts of the budgets that all share."""
        models = (
            self.present(Scope.GLOBAL_MODEL, by_model(model, EVERYBODY), budget, at)
            for model, budget in self.global_model_budgets.items()
        )
        return (self.present(Scope.GLOBAL, EVERYBODY, self.global_budget, at), *models)

    def _scope(self, scope: Scope, id_: str, budget: Budget, at: datetime) -> tuple[Account, ...]:
        present = self.present(scope, id_, budget, at)
        if present.lifetime:
            return (present,)
        return (Account(scope, id_, LIFETIME, None), present)

    def _model(
        self, scope: Scope, id_: str, allowance: Allowance, model: str, at: datetime
    ) -> tuple[Account, ...]:
        budget = allowance.model_budgets.get(model)
        return (self.present(scope, by_model(model, id_), budget, at),) if budget else ()


def limits_of(caller: Caller, model: Model) -> tuple[LimitedBy, ...]:
    """The limits of a request for `model`, in the order in which rows are locked."""
    key, user = caller.key, caller.user
    found = list(_limits(LimitScope.KEY_MODEL, LimitScope.KEY, key.id, key.allowance, model))
    if user is not None:
        found += _limits(LimitScope.USER_MODEL, LimitScope.USER, user.id, user.allowance, model)
    if model.limits != NO_LIMITS:
        found.append(LimitedBy(LimitScope.MODEL, model.name, model.limits))
    return tuple(found)


def _limits(
    single: LimitScope, whole: LimitScope, id_: str, allowance: Allowance, model: Model
) -> Iterable[LimitedBy]:
    own = allowance.model_limits.get(model.name, NO_LIMITS)
    if own != NO_LIMITS:
        yield LimitedBy(single, by_model(model.name, id_), own)
    if allowance.limits != NO_LIMITS:
        yield LimitedBy(whole, id_, allowance.limits)
