"""LiteLLM's metrics: the names and labels that its dashboards ask for."""

import re
from decimal import Decimal
from typing import Any

import pytest

from app.core.budgets import LIFETIME, Window
from app.core.usage import Usage
from app.ledger.record import BudgetCounter, BudgetState, RequestRecord, Scope
from app.telemetry.metrics import Metrics
from tests.support.examples import KEY_ID, NOW, TODAY, record
from tests.support.fakes import FakeTime

HAIKU, PROFILE = "claude-haiku-4-5", "us.anthropic.claude-haiku-4-5-20251001-v1:0"
CALLER = (
    f'api_key_alias="a-key",hashed_api_key="{KEY_ID}",model="{PROFILE}",'
    f'requested_model="{HAIKU}",user="ada"'
)
MODEL = f'api_provider="bedrock",model="{PROFILE}",model_group="{HAIKU}",requested_model="{HAIKU}"'
DEPLOYMENT = f'api_provider="bedrock",litellm_model_name="{PROFILE}",requested_model="{HAIKU}"'


def refused(**changes: Any) -> RequestRecord:
    """One that the gateway itself turned away."""
    nothing = {"ending": None, "usage": Usage(), "cost": Decimal(0), "upstream_seconds": 0}
    return record(status=429, error_code="budget_exceeded", **nothing, **changes)


def told(*outcomes: RequestRecord, metrics: Metrics | None = None) -> dict[str, float]:
    """Every series with its value; labels in the order of the alphabet."""
    metrics = metrics or Metrics()
    for one in outcomes:
        metrics.record(one)
    found = {}
    for line in metrics.exposition().decode().splitlines():
        match = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
        if match and not line.startswith("#"):
            labels = ",".join(sorted(re.findall(r'\w+="(?:[^"\\]|\\.)*"', match[2] or "")))
            found[f"{match[1]}{{{labels}}}" if labels else match[1]] = float(match[3])
    return found


def test_a_request_is_counted_with_spend_and_every_kind_of_token() -> None:
    series = told(record(), record())

    assert series[f"litellm_spend_metric_total{{{CALLER}}}"] == 0.5
    assert series[f"litellm_total_tokens_metric_total{{{CALLER}}}"] == 2 * 54330
    assert series[f"litellm_input_tokens_metric_total{{{CALLER}}}"] == 2 * 54310
    assert series[f"litellm_output_tokens_metric_total{{{CALLER}}}"] == 40
    assert series[f"litellm_input_cached_tokens_metric_total{{{CALLER}}}"] == 600
    assert series[f"litellm_input_cache_creation_tokens_metric_total{{{CALLER}}}"] == 2 * 54000
    requests = CALLER.replace(",user=", ',route="/v1/messages",status_code="200",user=')
    assert series[f"litellm_proxy_total_requests_metric_total{{{requests}}}"] == 2
    assert series[f"litellm_deployment_success_responses_total{{{DEPLOYMENT}}}"] == 2


def test_latencies_are_in_litellms_buckets_by_model() -> None:
    series = told(record(), record(stream=False))

    assert series[f"litellm_request_total_latency_metric_count{{{MODEL}}}"] == 2
    assert series[f"litellm_llm_api_latency_metric_sum{{{MODEL}}}"] == pytest.approx(2.98)
    assert series[f"litellm_overhead_latency_metric_sum{{{MODEL}}}"] == pytest.approx(0.02)
    assert series[f"litellm_llm_api_time_to_first_token_metric_count{{{MODEL}}}"] == 1
    bounds = {
        float(bound)
        for name in series
        if name.startswith("litellm_llm_api_latency_metric_bucket")
        for bound in re.findall(r'le="([^"]+)"', name)
    }
    assert sorted(bounds)[:3] == [0.005, 0.01, 0.025]
    assert sorted(bounds)[-3:] == [420, 600, float("inf")]


def test_a_failure_of_bedrock_is_a_failed_deployment() -> None:
    series = told(record(status=529, error_code="upstream_overloaded", ending="upstream_rejected"))

    failed = f'{DEPLOYMENT[:22]},exception_class="upstream_overloaded",exception_status="529"'
    (name,) = (n for n in series if n.startswith("litellm_deployment_failure_responses_total"))
    assert failed.split(",", 1)[1] in name
    assert series[f"litellm_deployment_total_requests_total{{{DEPLOYMENT}}}"] == 1
    assert not any(name.startswith("litellm_spend_metric_total{") for name in series)


def test_a_refusal_counts_as_a_failed_request_and_reaches_no_deployment() -> None:
    series = told(refused())

    failures = [n for n in series if n.startswith("litellm_proxy_failed_requests_metric_total")]
    assert len(failures) == 1
    assert 'exception_class="budget_exceeded"' in failures[0]
    assert series['gateway_rejections_total{api_format="anthropic",error="budget_exceeded"}'] == 1
    assert not any("deployment" in name or "latency_metric_count" in name for name in series)


def test_what_is_not_known_is_the_text_none() -> None:
    series = told(
        refused(key_id=None, key_alias=None, user_id=None, model=None, upstream_model=None)
    )

    (name,) = (n for n in series if n.startswith("litellm_proxy_total_requests_metric_total"))
    assert name.count('="None"') == 5


def test_tokens_without_a_cost_are_told_of() -> None:
    series = told(record(cost=Decimal(0)))

    name = f'litellm_zero_cost_requests_total{{model="{PROFILE}",requested_model="{HAIKU}"}}'
    assert series[name] == 1


def test_an_alias_with_odd_characters_stays_one_label() -> None:
    series = told(record(key_alias='a"b\\c\nd'))

    assert any('api_key_alias="a\\"b\\\\c\\nd"' in name for name in series)


def test_series_of_keys_that_were_not_used_for_long_are_forgotten() -> None:
    metrics = Metrics(sets_remembered=10)
    for number in range(100):
        metrics.record(record(key_id=f"key-{number}", user_id=f"user-{number}"))
        metrics.record(refused(key_id=f"key-{number}"))

    series = told(metrics=metrics)

    spending = [name for name in series if name.startswith("litellm_spend_metric_total")]
    assert len(spending) == 10
    assert len(series) < 400
    assert any("key-99" in name for name in spending)


def test_a_key_that_is_used_again_and_again_is_not_forgotten() -> None:
    metrics = Metrics(sets_remembered=5)
    for number in range(50):
        metrics.record(record())
        metrics.record(record(key_id=f"key-{number}"))

    series = told(metrics=metrics)

    assert series[f"litellm_spend_metric_total{{{CALLER}}}"] == 12.5


def standing(
    scope: Scope, spent: str, window: Window = TODAY, cap: str | None = "10"
) -> BudgetState:
    id_ = KEY_ID if scope is Scope.KEY else "ada"
    account = BudgetCounter(scope, id_, window, Decimal(cap) if cap else None, Decimal(1))
    return BudgetState(account, Decimal(spent), Decimal(0))


def budgets(*standings: BudgetState) -> tuple[Metrics, FakeTime]:
    time = FakeTime(instant=NOW)
    metrics = Metrics(now=lambda: time.instant)
    metrics.record(record(), standings)
    return metrics, time


def test_what_is_left_of_budgets_is_shown_with_its_end() -> None:
    metrics, _ = budgets(standing(Scope.KEY, "2.5"), standing(Scope.USER, "4", LIFETIME))

    series = told(metrics=metrics)

    key = f'api_key_alias="a-key",hashed_api_key="{KEY_ID}"'
    assert series[f"litellm_remaining_api_key_budget_metric{{{key}}}"] == 7.5
    assert series[f"litellm_api_key_max_budget_metric{{{key}}}"] == 10
    assert series[f"litellm_api_key_budget_remaining_hours_metric{{{key}}}"] == 12
    assert series['litellm_remaining_user_budget_metric{user="ada"}'] == 6
    assert 'litellm_user_budget_remaining_hours_metric{user="ada"}' not in series


@pytest.mark.parametrize(("later", "left"), [("2", 7.5), ("3", 7)])
def test_of_requests_that_are_heard_of_in_another_order_the_one_that_leaves_least_counts(
    later: str, left: float
) -> None:
    metrics, _ = budgets(standing(Scope.USER, "2.5"))

    metrics.record(record(), (standing(Scope.USER, later),))

    series = told(metrics=metrics)
    assert series['litellm_remaining_user_budget_metric{user="ada"}'] == left


@pytest.mark.parametrize(
    "changed",
    [standing(Scope.USER, "1", LIFETIME), standing(Scope.USER, "1", cap="5")],
    ids=["window", "cap"],
)
def test_a_changed_budget_is_shown_as_it_stands_now(changed: BudgetState) -> None:
    metrics, _ = budgets(standing(Scope.USER, "9"))

    metrics.record(record(), (changed,))

    series = told(metrics=metrics)
    left = float((changed.account.cap or 0) - changed.spent)
    assert series['litellm_remaining_user_budget_metric{user="ada"}'] == left


def test_a_budget_whose_window_is_over_says_nothing_until_it_is_used_again() -> None:
    metrics, time = budgets(standing(Scope.KEY, "2.5"))

    time.advance(12 * 3600)

    assert not any("remaining_api_key_budget" in name for name in told(metrics=metrics))


@pytest.mark.parametrize("found", [standing(Scope.KEY, "2", cap=None), standing(Scope.GLOBAL, "2")])
def test_only_keys_and_users_with_a_cap_have_budget_gauges(found: BudgetState) -> None:
    metrics, _ = budgets(found)

    assert not any("remaining" in name for name in told(metrics=metrics))
