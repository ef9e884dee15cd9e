"""The fields of requests. Unknown ones are refused by name: a limit that is silently ignored is
none."""

from decimal import Decimal
from typing import Annotated, Any, Final

import orjson
from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field

from app.core.budgets import Budget
from app.core.names import new_id, visible_name
from app.web.numbers import Count, Usd, as_float

LARGEST_METADATA: Final = 16_384

DEEPEST_METADATA: Final = 8

MOST_NAMES: Final = 200

Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""Without control characters: PostgreSQL keeps no NUL, and logs and terminals want none."""

Name = Annotated[Text, AfterValidator(visible_name)]
"""A name that is given: in addition, not blank and without characters that nobody sees."""

NewId = Annotated[Text, AfterValidator(new_id)]
"""An id that is given; those that exist may be named by any `Text`."""

Secret = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""A key, or its hash."""


def _plain(value: Any, depth: int = 0) -> Any:
    """JSON that can be kept: without NUL, not too deep, and with floats for numbers."""
    if depth > DEEPEST_METADATA:
        raise ValueError(f"nested deeper than {DEEPEST_METADATA} levels")
    if isinstance(value, dict):
        return {_plain(k, depth + 1): _plain(v, depth + 1) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, str):
        if "\x00" in value:
            raise ValueError("text with a NUL")
        value.encode()
        return value
    return as_float(value) if isinstance(value, Decimal | float) else value


def _metadata(value: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = _plain(value)
    try:
        size = len(orjson.dumps(kept))
    except TypeError as error:
        raise ValueError("a number too large to be kept") from error
    if size > LARGEST_METADATA:
        raise ValueError(f"larger than {LARGEST_METADATA:,} bytes")
    return kept


Metadata = Annotated[dict[str, Any], AfterValidator(_metadata)]


class Body(BaseModel):
    """What is sent to be changed."""

    model_config = ConfigDict(extra="forbid")

    def sent(self, *without: str) -> dict[str, Any]:
        """The fields that were sent, nulls among them."""
        return {
            name: getattr(self, name)
            for name in type(self).model_fields
            if name in self.model_fields_set and name not in without
        }


class ModelBudget(Body):
    """A budget for one model alone."""

    budget_limit: Annotated[Usd, Field(validation_alias=AliasChoices("budget_limit", "max_budget"))]
    time_period: Annotated[
        Text | None, Field(validation_alias=AliasChoices("time_period", "budget_duration"))
    ] = None


ModelBudgets = Annotated[
    dict[Text, ModelBudget],
    Field(max_length=MOST_NAMES),
    AfterValidator(
        lambda budgets: {m: Budget(b.budget_limit, b.time_period) for m, b in budgets.items()}
    ),
]

ModelLimits = Annotated[dict[Text, Count], Field(max_length=MOST_NAMES)]


class BudgetFields(Body):
    """What a key, a user or a named budget may spend, and how fast."""

    max_budget: Usd | None = None
    soft_budget: Usd | None = None
    budget_duration: Text | None = None
    rpm_limit: Count | None = None
    tpm_limit: Count | None = None
    max_parallel_requests: Count | None = None
    model_max_budget: ModelBudgets | None = None


class AllowanceFields(BudgetFields):
    """What keys and users have in common."""

    models: Annotated[list[Text], Field(max_length=MOST_NAMES)] | None = None
    temp_budget_increase: Usd | None = None
    temp_budget_expiry: Text | None = None
    model_rpm_limit: ModelLimits | None = None
    model_tpm_limit: ModelLimits | None = None
    budget_id: Text | None = None
    guardrail: Text | None = None
    blocked: bool | None = None
    metadata: Metadata | None = None


class Query(BaseModel):
    """Filters and pages of a list; like fields, unknown ones are refused by name."""

    model_config = ConfigDict(extra="forbid")
