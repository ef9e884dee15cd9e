"""`/v1/usage`: what a key's holder may know, and nobody else."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.support.processes import GatewayProcess
from tests.support.stack import Stack

HAIKU, OPUS = "claude-haiku-4-5", "claude-opus-5-5"


def ask(gateway: GatewayProcess, key: str, model: str = HAIKU, session: str = "s-1") -> None:
    body = {
        "model": model,
        "max_tokens": 50,
        "messages": [{"role": "user", "content": "[[tokens=5]]"}],
    }
    response = httpx.post(
        f"{gateway.public_url}/v1/messages",
        json=body,
        headers={"x-api-key": key, "x-claude-code-session-id": session},
    )
    assert response.status_code == 200, response.text


def usage(gateway: GatewayProcess, key: str | None, **headers: str) -> httpx.Response:
    credentials = {"authorization": f"Bearer {key}"} if key else {}
    return httpx.get(f"{gateway.public_url}/v1/usage", headers={**credentials, **headers})


def told(gateway: GatewayProcess, key: str) -> dict[str, Any]:
    response = usage(gateway, key)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_it_tells_spend_by_model_and_by_session(own_stack: Stack) -> None:
    key = own_stack.gateway.new_key(key_alias="mine")
    ask(own_stack.gateway, key)
    ask(own_stack.gateway, key, OPUS, session="s-2")
    ask(own_stack.gateway, own_stack.gateway.new_key())

    answer = told(own_stack.gateway, key)

    assert answer["key"]["key_alias"] == "mine"
    assert [group["name"] for group in answer["today"]] == [OPUS, HAIKU]
    assert answer["models"] == answer["today"]
    assert [group["name"] for group in answer["sessions"]] == ["s-2", "s-1"]
    assert answer["sessions_today"] == answer["sessions"]
    assert answer["sessions_total"] == answer["sessions_today_total"] == 2
    (budget,) = answer["budgets"]
    mine = [row for row in own_stack.spend_log() if row["session_id"] in ("s-1", "s-2")][:2]
    assert Decimal(str(budget["spend"])) == sum(row["cost"] for row in mine)
    assert (budget["max_budget"], budget["remaining"], budget["held"]) == (None, None, 0)


def test_it_tells_how_each_budget_and_limit_stands(stack: Stack) -> None:
    gateway = stack.gateway
    gateway.admin(
        "POST",
        "/user/new",
        user_id="usage-ada",
        max_budget=5,
        budget_duration="1mo",
        rpm_limit=600,
        auto_create_key=False,
    )
    key = gateway.new_key(
        user_id="usage-ada",
        soft_budget=0.00001,
        model_max_budget={OPUS: {"budget_limit": 0.5, "time_period": "1d"}},
        max_parallel_requests=9,
    )
    ask(gateway, key, OPUS)

    answer = told(gateway, key)

    budgets = {(one["scope"], one["model"]): one for one in answer["budgets"]}
    assert budgets.keys() == {("key", OPUS), ("key", None), ("user", None)}
    assert (budgets["key", OPUS]["max_budget"], budgets["key", None]["warning"]) == (0.5, "soft")
    user = budgets["user", None]
    assert user["remaining"] == pytest.approx(5 - user["spend"])
    assert user["budget_reset_at"].endswith("-01T00:00:00Z")
    assert answer["window"]["start_date"] == f"{datetime.now(UTC):%Y-%m}-01"
    limits = {one["scope"]: one for one in answer["limits"]}
    assert limits["key"]["max_parallel_requests"] == 9
    assert limits["user"]["rpm_limit"] == 600


@pytest.mark.parametrize("key", [None, "sk-nobody-has-this-key"])
def test_without_a_good_key_it_tells_nothing(stack: Stack, key: str | None) -> None:
    assert usage(stack.gateway, key).status_code == 401


def test_it_is_kept_in_no_cache(stack: Stack) -> None:
    answer = usage(stack.gateway, stack.gateway.new_key())

    assert answer.headers["cache-control"] == "no-store"


def test_a_browser_gets_a_page_that_may_run_its_own_script_alone(stack: Stack) -> None:
    page = usage(stack.gateway, None, accept="text/html,application/xhtml+xml,*/*;q=0.8")

    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in page.text.split("<script>")[0].replace("http-equiv", "")
