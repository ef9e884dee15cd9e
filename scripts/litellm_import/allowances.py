"""From LiteLLM's fields to what a user, a key or a budget may use."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from app.catalog.catalog import Catalog
from app.core.budgets import Budget, Increase, Limits, parse_duration
from app.errors import UnknownModel
from app.identity.fields import EVERY_MODEL
from app.identity.policy import Policy
from scripts.litellm_import.source import Row, usd


class Allowances:
    """Reads allowances; `note` is told whose field cannot be taken as it is, and why."""

    def __init__(self, catalog: Catalog, note: Callable[[str, str], None]) -> None:
        self._catalog = catalog
        self._note = note

    def read(self, name: str, row: Row, extra: Mapping[str, Any]) -> Policy:
        rpm = self._by_model(name, extra.get("model_rpm_limit"))
        tpm = self._by_model(name, extra.get("model_tpm_limit"))
        cap = row.get("max_budget")
        return Policy(
            models=self.models(name, row.get("models") or ()),
            budget=Budget(
                usd(cap) if cap is not None else None,
                self._duration(name, row.get("budget_duration")),
                usd(row["soft_budget"]) if row.get("soft_budget") is not None else None,
                self._increase(name, extra),
            ),
            limits=Limits(
                row.get("rpm_limit"), row.get("tpm_limit"), row.get("max_parallel_requests")
            ),
            model_budgets=self._model_budgets(name, row.get("model_max_budget")),
            model_limits={m: Limits(rpm.get(m), tpm.get(m)) for m in {**rpm, **tpm}},
        )

    def models(self, name: str, models: Iterable[str]) -> tuple[str, ...]:
        """Names that are not known stay on the list: without them it might mean all models."""
        listed = tuple(models)
        if EVERY_MODEL in listed:
            return ()
        for model in listed:
            self._public_name(name, model)
        return listed

    def _public_name(self, name: str, model: str) -> str | None:
        try:
            return self._catalog.resolve(model).model.name
        except UnknownModel:
            self._note(name, f"the model {model} is not known here: add it by /model/new")
            return None

    def _by_model(self, name: str, values: Mapping[str, Any] | None) -> dict[str, Any]:
        named = ((self._public_name(name, m), value) for m, value in (values or {}).items())
        return {model: value for model, value in named if model is not None and value is not None}

    def _model_budgets(self, name: str, budgets: Mapping[str, Any] | None) -> dict[str, Budget]:
        found = {}
        for model, value in self._by_model(name, budgets).items():
            fields = value if isinstance(value, Mapping) else {"budget_limit": value}
            amount = fields.get("budget_limit", fields.get("max_budget"))
            try:
                cap = Decimal(str(amount))
            except InvalidOperation:
                self._note(name, f"the budget for {model} is no number: {amount!r}")
                continue
            period = fields.get("time_period") or fields.get("budget_duration")
            found[model] = Budget(cap, self._duration(name, period))
        return found

    def _duration(self, name: str, duration: str | None) -> str | None:
        try:
            if duration:
                parse_duration(duration)
        except ValueError:
            self._note(name, f"the duration {duration} is not known: the budget is for all time")
            return None
        return duration or None

    def _increase(self, name: str, extra: Mapping[str, Any]) -> Increase | None:
        amount, until = extra.get("temp_budget_increase"), extra.get("temp_budget_expiry")
        if amount is None or until is None:
            return None
        try:
            end = utc(datetime.fromisoformat(str(until)))
        except ValueError:
            self._note(name, f"the end of the temporary increase is no time: {until}")
            return None
        return Increase(usd(amount), end) if end is not None else None


def utc(when: datetime | None) -> datetime | None:
    """LiteLLM's times have no zone, and are in UTC."""
    return when.replace(tzinfo=UTC) if when is not None and when.tzinfo is None else when
