"""What is sent of users, keys and budgets, checked and brought to the form in which it is kept."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.catalog.catalog import load_catalog
from app.core.budgets import Budget
from app.errors import InvalidRequest
from app.identity.fields import Fields, allowance_of
from app.identity.policy import EVERYTHING
from tests.support.fakes import FakeTime

TIME = FakeTime()
FIELDS = Fields(load_catalog(region="us-east-1", profile=None), TIME.clock)


def checked(**sent: Any) -> dict[str, Any]:
    return FIELDS.checked(sent)


@pytest.mark.parametrize(
    ("duration", "days"), [("90d", 90), ("1w", 7), ("24h", 1), ("monthly", 30), ("86400s", 1)]
)
def test_a_duration_becomes_an_end(duration: str, days: int) -> None:
    assert checked(duration=duration) == {"expires": TIME.instant + timedelta(days=days)}


def test_null_clears() -> None:
    assert checked(duration=None, models=None, metadata=None, max_budget=None, blocked=None) == {
        "expires": None,
        "models": [],
        "metadata": {},
        "max_budget": None,
        "blocked": False,
    }


def test_what_was_cleared_is_never_the_same_object_twice() -> None:
    first = checked(metadata=None)["metadata"]
    first["a"] = 1

    assert checked(metadata=None)["metadata"] == {}


def test_a_list_keeps_the_names_that_were_sent_once_each() -> None:
    names = ["claude-haiku-4-5", "us.anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5"]

    assert checked(models=names)["models"] == names[:2]


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("7d", TIME.instant + timedelta(days=7)),
        ("2027-01-01", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2027-01-01T00:00:00Z", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2027-01-01T02:00:00+02:00", datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_an_increase_ends_after_a_time_or_at_one(text: str, until: datetime) -> None:
    assert checked(temp_budget_expiry=text)["temp_budget_expiry"] == until


@pytest.mark.parametrize(
    "sent",
    [
        {"budget_duration": "fortnightly"},
        {"duration": "0d"},
        {"temp_budget_expiry": "2026-11-23T11:59:59Z"},
        {"models": ["claude-haiku-5-6"]},
        {"model_max_budget": {"claude-haiku-4-5": Budget(Decimal(1), "x")}},
        {"guardrail": "x"},
    ],
)
def test_what_does_not_fit_is_refused_by_the_name_of_the_field(sent: dict[str, Any]) -> None:
    (name,) = sent

    with pytest.raises(InvalidRequest, match=f"^{name}: "):
        FIELDS.checked(sent)


def test_no_fields_allow_everything() -> None:
    assert allowance_of({}) == EVERYTHING


def test_limits_by_model_are_put_together() -> None:
    allowance = allowance_of({"model_rpm_limit": {"a": 1, "b": 0}, "model_tpm_limit": {"a": 2}})

    assert {m: (n.rpm, n.tpm) for m, n in allowance.model_limits.items()} == {
        "a": (1, 2),
        "b": (0, None),
    }
