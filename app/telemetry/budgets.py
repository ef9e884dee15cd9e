"""How budgets stand, by LiteLLM's names for it: as the latest request of each left them."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app.domain.ledger import Account, Scope
from app.domain.outcome import Outcome

BUDGETS_REMEMBERED: Final = 5_000

WHOSE: Final = {
    Scope.KEY: ("api_key", ("hashed_api_key", "api_key_alias")),
    Scope.USER: ("user", ("user",)),
}


@dataclass(frozen=True, slots=True)
class _State:
    account: Account
    labels: tuple[str, ...]
    left: float


class BudgetGauges(Collector):
    """Of keys and users that have a cap. A budget whose window is over says nothing until it is
    used again, so no old figure stays; of several gateways' figures the smallest is the present."""

    def __init__(
        self, now: Callable[[], datetime], *, budgets_remembered: int = BUDGETS_REMEMBERED
    ) -> None:
        self._now = now
        self._most = budgets_remembered
        self._states: OrderedDict[tuple[Scope, str], _State] = OrderedDict()

    def record(self, outcome: Outcome) -> None:
        for standing in outcome.budgets:
            account = standing.account
            if account.scope not in WHOSE or account.cap is None:
                continue
            labels = (
                (account.id, outcome.key_alias or "None")
                if account.scope is Scope.KEY
                else (account.id,)
            )
            left = float(account.cap - standing.spent)
            name = (account.scope, account.id)
            before = self._states.get(name)
            if before is not None and before.account == account:
                # Those that end together may be told of in another order than they were booked.
                left = min(left, before.left)
            self._states[name] = _State(account, labels, left)
            self._states.move_to_end(name)
            if len(self._states) > self._most:
                self._states.popitem(last=False)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        now = self._now()
        for name, state in list(self._states.items()):
            if state.account.window.end is not None and state.account.window.end <= now:
                self._states.pop(name, None)
        for scope, (whose, labels) in WHOSE.items():
            left = GaugeMetricFamily(
                f"litellm_remaining_{whose}_budget_metric", "USD left of the budget.", labels=labels
            )
            most = GaugeMetricFamily(
                f"litellm_{whose}_max_budget_metric", "USD of the budget.", labels=labels
            )
            hours = GaugeMetricFamily(
                f"litellm_{whose}_budget_remaining_hours_metric",
                "Hours until the budget starts anew.",
                labels=labels,
            )
            for (of, _), state in list(self._states.items()):
                if of is not scope:
                    continue
                left.add_metric(state.labels, state.left)
                most.add_metric(state.labels, float(state.account.cap or 0))
                if end := state.account.window.end:
                    hours.add_metric(state.labels, (end - now).total_seconds() / 3600)
            yield from (left, most, hours)
