"""What is sent of users, keys and budgets, checked and brought to the form in which it is kept."""

from collections.abc import Callable, Mapping
from copy import copy
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from app.catalog.catalog import Catalog
from app.core.budgets import A_CENTURY, Budget, Increase, Limits, in_utc, parse_duration
from app.core.guardrail import Guardrail
from app.core.names import normal_email
from app.core.time import Clock
from app.errors import InvalidRequest, UnknownModel
from app.identity.policy import Policy

EVERY_MODEL: Final = "all-proxy-models"
"""LiteLLM's word for a list that holds all models."""

SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "mo": 2_592_000}

EMPTY: Final[Mapping[str, Any]] = {
    "models": [],
    "tags": [],
    "metadata": {},
    "model_max_budget": {},
    "model_rpm_limit": {},
    "model_tpm_limit": {},
    "blocked": False,
    "user_role": "internal_user",
}
"""What null stands for where a field is never without a value."""

WINDOWS: Final = frozenset({"budget_duration", "model_max_budget", "budget_id"})
"""A change of these may open another window."""

Value = TypeVar("Value")


class Fields:
    """Checks fields by LiteLLM's names. All raise InvalidRequest with the name of the field."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock
        self._checks: Mapping[str, Callable[[Any], Any]] = {
            "models": self._models,
            "tags": lambda tags: list(dict.fromkeys(tags)),
            "budget_duration": lambda text: _checked("budget_duration", parse_duration, text),
            "model_max_budget": self._model_budgets,
            "model_rpm_limit": lambda limits: self._by_model("model_rpm_limit", limits),
            "model_tpm_limit": lambda limits: self._by_model("model_tpm_limit", limits),
            "temp_budget_expiry": self._expiry,
            "guardrail": lambda text: _checked("guardrail", Guardrail.parse, text),
            "user_email": self.email,
        }

    def checked(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        """The fields to be kept. `duration` becomes `expires`; null clears a field."""
        kept: dict[str, Any] = {}
        for name, value in sent.items():
            if name == "duration":
                kept["expires"] = self.after("duration", value) if value is not None else None
            elif value is None:
                kept[name] = copy(EMPTY.get(name))
            else:
                check = self._checks.get(name)
                kept[name] = check(value) if check else value
        return kept

    def email(self, text: str) -> str:
        """In its normal form: without blanks around it, in lower case."""
        return normal_email(_checked("user_email", normal_email, text))

    def after(self, field: str, duration: str) -> datetime:
        """When so much time from now has passed."""
        _checked(field, parse_duration, duration)
        count, unit = parse_duration(duration)
        return self._clock.now() + timedelta(seconds=count * SECONDS[unit])

    def _models(self, names: list[str]) -> list[str]:
        if EVERY_MODEL in names:
            return []
        for name in names:
            self._public_name("models", name)
        return list(dict.fromkeys(names))

    def _public_name(self, field: str, name: str) -> str:
        try:
            return self._catalog.resolve(name).model.name
        except UnknownModel as error:
            raise InvalidRequest(f"{field}: {error.message.removeprefix('model: ')}") from error

    def _by_model(self, field: str, values: Mapping[str, Value]) -> dict[str, Value]:
        named = {self._public_name(field, name): value for name, value in values.items()}
        if len(named) < len(values):
            raise InvalidRequest(f"{field}: two of the names are the same model's")
        return named

    def _model_budgets(self, budgets: Mapping[str, Budget]) -> dict[str, Budget]:
        for budget in budgets.values():
            if budget.duration is not None:
                _checked("model_max_budget", parse_duration, budget.duration)
        return self._by_model("model_max_budget", budgets)

    def _expiry(self, text: str) -> datetime:
        """A duration, or a time; without a zone it is in UTC."""
        try:
            when = in_utc(datetime.fromisoformat(text))
        except ValueError:
            return self.after("temp_budget_expiry", text)
        now = self._clock.now()
        if when <= now:
            raise InvalidRequest("temp_budget_expiry: that is in the past")
        if when - now > A_CENTURY:
            raise InvalidRequest("temp_budget_expiry: that is in more than 100 years")
        return when


def _checked(field: str, check: Callable[[str], object], text: str) -> str:
    try:
        check(text)
    except ValueError as error:
        raise InvalidRequest(f"{field}: {error}") from error
    return text


def allowance_of(fields: Mapping[str, Any]) -> Policy:
    """Of checked fields."""
    amount, until = fields.get("temp_budget_increase"), fields.get("temp_budget_expiry")
    if (amount is None) != (until is None):
        raise InvalidRequest(
            "temp_budget_increase and temp_budget_expiry: neither goes without the other"
        )
    rpm: Mapping[str, int] = fields.get("model_rpm_limit") or {}
    tpm: Mapping[str, int] = fields.get("model_tpm_limit") or {}
    return Policy(
        models=tuple(fields.get("models") or ()),
        budget=Budget(
            fields.get("max_budget"),
            fields.get("budget_duration"),
            fields.get("soft_budget"),
            Increase(amount, until) if amount is not None and until is not None else None,
        ),
        limits=Limits(
            fields.get("rpm_limit"), fields.get("tpm_limit"), fields.get("max_parallel_requests")
        ),
        model_budgets=fields.get("model_max_budget") or {},
        model_limits={
            model: Limits(rpm=rpm.get(model), tpm=tpm.get(model)) for model in {**rpm, **tpm}
        },
    )


def guardrail_of(fields: Mapping[str, Any]) -> Guardrail | None:
    text = fields.get("guardrail")
    return Guardrail.parse(text) if text is not None else None
