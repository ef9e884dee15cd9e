"""What metrics tell equals what is booked, and asking for them costs little."""

import asyncio
import re
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.core.usage import Usage
from tests.support.processes import MASTER_KEY
from tests.support.stack import Stack, running_stack

HAIKU, OPUS = "claude-haiku-4-5", "claude-opus-5-5"


def sums(page: str, name: str, label: str) -> dict[str, float]:
    """A counter by one of its labels."""
    found: dict[str, float] = defaultdict(float)
    for labels, value in re.findall(rf"^{name}\{{(.*)\}} (\S+)$", page, re.MULTILINE):
        found[re.search(rf'{label}="([^"]*)"', labels)[1]] += float(value)  # type: ignore[index]
    return dict(found)


def question(model: str, *, stream: bool, tokens: int = 30) -> dict[str, Any]:
    return {
        "model": model,
        "max_tokens": 400,
        "stream": stream,
        "messages": [{"role": "user", "content": f"[[tokens={tokens}]]"}],
    }


async def test_counters_equal_the_ledger_after_a_mixed_load_with_failures(
    own_stack: Stack,
) -> None:
    gateway = own_stack.gateway
    keys = [
        gateway.admin("POST", "/user/new", user_id=user, max_budget=budget)["key"]
        for user, budget in (("ada", 5), ("bob", 0.005), ("eve", 5))
    ]
    own_stack.emulator.scenario(
        {"kind": "normal", "times": 10},
        {"kind": "throttle", "times": 6},
        {"kind": "normal", "times": 10},
        {"kind": "exception_mid_stream", "times": 12},
    )
    async with httpx.AsyncClient(base_url=gateway.public_url, timeout=60) as client:

        async def ask(number: int) -> None:
            body = question((HAIKU, OPUS)[number % 2], stream=number % 3 == 0)
            await client.post("/v1/messages", json=body, headers={"x-api-key": keys[number % 3]})

        await asyncio.gather(*(ask(number) for number in range(90)))
        await client.post("/v1/messages", json=question(HAIKU, stream=False))

    page, log = gateway.metrics(), own_stack.spend_log()
    for label, column in (("user", "user_id"), ("requested_model", "model")):
        booked: dict[str, Decimal] = defaultdict(Decimal)
        tokens: dict[str, int] = defaultdict(int)
        for row in log:
            if row["ending"] != "upstream_rejected":
                booked[row[column]] += row["cost"]
                tokens[row[column]] += Usage(
                    *(row[f"{kind}_tokens"] for kind in KINDS)
                ).total_tokens
        assert sums(page, "litellm_spend_metric_total", label) == pytest.approx(
            {name: float(cost) for name, cost in booked.items()}
        )
        assert sums(page, "litellm_total_tokens_metric_total", label) == tokens
    requests = sums(page, "litellm_proxy_total_requests_metric_total", "status_code")
    assert sum(requests.values()) == len(gateway.outcomes()) == 91
    assert requests["401"] == 1
    assert requests["429"] > 0
    left = sums(page, "litellm_remaining_user_budget_metric", "user")
    spent = own_stack.query("SELECT spent FROM budget_counter WHERE id = 'ada'")[0]["spent"]
    assert left["ada"] == pytest.approx(float(5 - spent))


KINDS = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")


def test_metrics_need_no_key_inside_and_are_not_there_outside(stack: Stack) -> None:
    for path in ("/metrics", "/metrics/"):
        assert httpx.get(stack.gateway.internal_url + path).status_code == 200
        assert httpx.get(stack.gateway.public_url + path).status_code == 404


def test_outside_they_are_for_administrators_where_that_is_wanted(
    database_url: str, tmp_path: Path
) -> None:
    settings = {"GATEWAY_METRICS_ON_PUBLIC_PORT": "true"}
    with running_stack(database_url, tmp_path, **settings) as stack:
        url, key = f"{stack.gateway.public_url}/metrics", stack.gateway.new_key()

        def status(secret: str | None) -> int:
            headers = {"authorization": f"Bearer {secret}"} if secret else {}
            return httpx.get(url, headers=headers).status_code

        assert [status(secret) for secret in (None, key, MASTER_KEY)] == [401, 403, 200]


def test_the_process_tells_of_itself(stack: Stack) -> None:
    page = stack.gateway.metrics()

    for name in (
        "process_resident_memory_bytes",
        "gateway_event_loop_lag_seconds_count",
        "gateway_database_connections",
        "gateway_requests_in_flight",
        "gateway_spool_records",
    ):
        assert re.search(rf"^{name} \d", page, re.MULTILINE), name
