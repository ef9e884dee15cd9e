"""What is answered: LiteLLM's shapes."""

from typing import Any, Final

from app.core.budgets import Budget
from app.errors import (
    AuthenticationFailed,
    DatabaseUnavailable,
    GatewayError,
    InvalidRequest,
    PermissionDenied,
    TooManyUnknownKeys,
)
from app.formats.errors import openai_error
from app.identity.budgets import Template
from app.identity.keys import NewKey
from app.identity.policy import Key, Policy, User
from app.identity.spending import SpendTotal
from app.web.responses import time


def key_row(key: Key, spending: SpendTotal) -> dict[str, Any]:
    """A key's own fields; those of its budget are in `litellm_budget_table`."""
    return {
        "token": key.id,
        "key_name": key.name,
        "key_alias": key.alias,
        "user_id": key.user_id,
        "expires": time(key.expires),
        "tags": key.tags,
        "created_by": key.created_by,
        **_common(key, spending),
    }


def new_key_row(made: NewKey, spending: SpendTotal) -> dict[str, Any]:
    """With the key itself, this once."""
    return {**key_row(made.key, spending), "key": made.secret, "token_id": made.key.id}


def user_row(user: User, spending: SpendTotal) -> dict[str, Any]:
    return {
        "user_id": user.id,
        "user_email": user.email,
        "user_alias": user.alias,
        "user_role": user.role.value,
        **_common(user, spending),
    }


def template_row(template: Template) -> dict[str, Any]:
    return {
        "budget_id": template.id,
        **_budget(template.allowance),
        "created_at": time(template.created_at),
        "updated_at": time(template.updated_at),
    }


def _common(record: Key | User, spending: SpendTotal) -> dict[str, Any]:
    own, increase = record.own, record.own.budget.increase
    shared = {"budget_id": record.budget_id, **_budget(record.template)}
    return {
        "models": own.models,
        **_budget(own),
        "temp_budget_increase": increase.amount if increase else None,
        "temp_budget_expiry": time(increase.until) if increase else None,
        "model_rpm_limit": {m: n.rpm for m, n in own.model_limits.items() if n.rpm is not None},
        "model_tpm_limit": {m: n.tpm for m, n in own.model_limits.items() if n.tpm is not None},
        "budget_id": record.budget_id,
        "litellm_budget_table": shared if record.budget_id is not None else None,
        "budget_reset_at": time(spending.resets_at),
        "spend": spending.spend,
        "total_spend": spending.total,
        "model_spend": dict(spending.by_model),
        "guardrail": str(record.guardrail) if record.guardrail else None,
        "blocked": record.blocked,
        "metadata": dict(record.metadata),
        "created_at": time(record.created_at),
        "updated_at": time(record.updated_at),
    }


def _budget(allowance: Policy) -> dict[str, Any]:
    budget, limits = allowance.budget, allowance.limits
    return {
        "max_budget": budget.max,
        "soft_budget": budget.soft,
        "budget_duration": budget.duration,
        "rpm_limit": limits.rpm,
        "tpm_limit": limits.tpm,
        "max_parallel_requests": limits.parallel,
        "model_max_budget": {m: _model_budget(b) for m, b in allowance.model_budgets.items()},
    }


def _model_budget(budget: Budget) -> dict[str, Any]:
    return {"budget_limit": budget.max, "time_period": budget.duration}


def pages(total: int, size: int) -> int:
    return -(-total // size)


EVERYWHERE: Final = (
    InvalidRequest("max_budgte: Extra inputs are not permitted"),
    AuthenticationFailed("Invalid API key."),
    PermissionDenied(
        "Forbidden: changing this requires the user_role proxy_admin; the user of the key "
        "sk-...4vEg is internal_user. The master key may do both."
    ),
    TooManyUnknownKeys("Invalid API key, like many others from this address lately."),
    DatabaseUnavailable("The gateway's database does not answer."),
)
"""What any request to administer may be answered."""


def documented(example: Any, *errors: GatewayError) -> dict[int | str, dict[str, Any]]:
    """For the OpenAPI document: a response, and the form of errors."""
    shown: dict[int | str, dict[str, Any]] = {
        200: {"content": {"application/json": {"example": example}}}
    }
    for error in (*errors, *EVERYWHERE):
        meaning = type(error).__doc__
        empty: dict[str, Any] = {
            "description": meaning,
            "content": {"application/json": {"examples": {}}},
        }
        content = shown.setdefault(error.status, empty)["content"]["application/json"]
        content["examples"][error.code] = {"summary": meaning, "value": openai_error(error)}
    return shown
