"""What the OpenAPI document shows of users, keys and budgets."""

from typing import Any, Final

WHEN: Final = {"created_at": "2026-11-23T09:30:00Z", "updated_at": "2026-11-23T09:30:00Z"}

KEY_ID: Final = "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b"

_SPEED: Final[dict[str, Any]] = {
    "rpm_limit": 60,
    "tpm_limit": 200_000,
    "max_parallel_requests": 8,
}

_BUDGET: Final[dict[str, Any]] = {
    "max_budget": 50,
    "soft_budget": 40,
    "budget_duration": "1mo",
    **_SPEED,
    "model_max_budget": {"claude-opus-5-5": {"budget_limit": 10, "time_period": "1mo"}},
}

COMMON: Final[dict[str, Any]] = {
    "models": ["claude-haiku-4-5", "claude-sonnet-4-5"],
    **_BUDGET,
    "temp_budget_increase": 20,
    "temp_budget_expiry": "2026-11-30T09:30:00Z",
    "model_rpm_limit": {},
    "model_tpm_limit": {"claude-sonnet-4-5": 100_000},
    "budget_id": None,
    "litellm_budget_table": None,
    "budget_reset_at": "2026-12-01T00:00:00Z",
    "spend": 12.3456,
    "total_spend": 98.7654,
    "model_spend": {"claude-opus-5-5": 1.25},
    "guardrail": None,
    "blocked": False,
    "metadata": {"team": "platform"},
    **WHEN,
}

USER: Final[dict[str, Any]] = {
    "user_id": "ada",
    "user_email": "ada@example.org",
    "user_alias": "Ada",
    "user_role": "internal_user",
    **COMMON,
}

KEY: Final[dict[str, Any]] = {
    "token": KEY_ID,
    "key_name": "sk-...4vEg",
    "key_alias": "adas-laptop",
    "user_id": "ada",
    "expires": "2027-02-21T09:30:00Z",
    "tags": ["backend"],
    "created_by": "master key",
    **COMMON,
}

NEW_KEY: Final[dict[str, Any]] = {
    **KEY,
    "key": "sk-6PcPGXz0uQOmVZmJ2k4vEg",
    "token_id": KEY_ID,
    "spend": 0,
    "total_spend": 0,
}

TEMPLATE: Final[dict[str, Any]] = {"budget_id": "developers", **_BUDGET, **WHEN}

USER_ADA: Final[dict[str, Any]] = {
    "user_id": "ada",
    "user_email": "ada@example.org",
    "max_budget": 50,
    "budget_duration": "monthly",
    "models": ["claude-haiku-4-5", "claude-sonnet-4-5"],
    "model_max_budget": {"claude-sonnet-4-5": {"budget_limit": 40, "time_period": "1mo"}},
}

KEY_OF_ADA: Final[dict[str, Any]] = {
    "key_alias": "adas-laptop",
    "user_id": "ada",
    "duration": "90d",
    "rpm_limit": 60,
    "tags": ["backend"],
}
