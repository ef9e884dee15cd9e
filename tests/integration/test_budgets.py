"""Budgets under load: the cap holds, whoever asks, and how many at once."""

import asyncio
from collections import Counter
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from app.inference.estimates import SLICE
from tests.support.processes import GatewayProcess, gateway_process
from tests.support.stack import (
    Stack,
    assert_spend_equals_the_bill,
    billed,
    running_stack,
)

HAIKU_OUTPUT = Decimal("0.0000055")
"""USD per output token of Claude Haiku 4.5 in the us profile."""


TEN_TIMES_REAL = {"kind": "slow", "seconds": 0.005}
"""Some 800 tokens a second for each answer: what is generated before the ledger's word arrives
counts too, so a cap holds as well as the model is slow."""


def question(tokens: int, *, stream: bool) -> dict[str, object]:
    return {
        "model": "claude-haiku-4-5",
        "max_tokens": 8000,
        "stream": stream,
        "messages": [{"role": "user", "content": f"[[tokens={tokens}]]"}],
    }


async def ask(
    client: httpx.AsyncClient, gateway: GatewayProcess, key: str, body: dict[str, object]
) -> httpx.Response:
    return await client.post(
        f"{gateway.public_url}/v1/messages", json=body, headers={"x-api-key": key}
    )


def http(connections: int) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        timeout=60, limits=httpx.Limits(max_connections=connections, max_keepalive_connections=0)
    )


@pytest.mark.parametrize("owner", ["key", "user", "global"])
async def test_two_gateways_and_200_streams_do_not_break_a_cap(
    own_stack: Stack, tmp_path: Path, owner: str
) -> None:
    cap = Decimal("0.1")
    own_stack.emulator.scenario(TEN_TIMES_REAL)
    settings = {"GATEWAY_GLOBAL_MAX_BUDGET": str(cap)} if owner == "global" else {}
    stack = own_stack
    with (
        gateway_process(stack.database_url, stack.emulator.url, tmp_path, settings) as first,
        gateway_process(stack.database_url, stack.emulator.url, tmp_path, settings) as second,
    ):
        if owner == "user":
            key = first.admin("POST", "/user/new", max_budget=float(cap))["key"]
        else:
            key = first.new_key(**({"max_budget": float(cap)} if owner == "key" else {}))
        async with http(200) as client:
            answers = await asyncio.gather(
                *(
                    ask(client, (first, second)[i % 2], key, question(2000, stream=True))
                    for i in range(200)
                )
            )
        # Bills are settled before the last byte, so nothing is left to wait for.
        assert stack.reservations() == []

    statuses = Counter(answer.status_code for answer in answers)
    assert statuses.keys() == {200, 429}
    for answer in answers:
        if answer.status_code == 200:
            assert answer.text.rstrip().endswith('data: {"type":"message_stop"}')
    spent = sum((row["cost"] for row in stack.spend_log()), Decimal(0))
    slices = statuses[200] * SLICE * HAIKU_OUTPUT
    assert cap * Decimal("0.5") < spent
    assert max(spent, billed(stack.emulator.usage())) <= cap + slices
    account = stack.query("SELECT * FROM budget_counter WHERE scope = %s", owner)[0]
    assert (account["spent"], account["reserved"]) == (spent, 0)


@pytest.mark.parametrize("gateways", [2, 4])
async def test_a_thousand_requests_at_once_over_several_gateways_hold_every_cap_and_limit(
    own_stack: Stack, tmp_path: Path, gateways: int
) -> None:
    """Ten keys of two users, each with cents; the log, the counters and the bill agree."""
    stack, settings = own_stack, {"GATEWAY_DATABASE_TIMEOUT_SECONDS": "60"}
    with ExitStack() as running:
        doors = [
            running.enter_context(
                gateway_process(stack.database_url, stack.emulator.url, tmp_path, settings)
            )
            for _ in range(gateways)
        ]
        for user in ("ada", "bob"):
            doors[0].admin(
                "POST", "/user/new", user_id=user, max_budget=0.02, auto_create_key=False
            )
        keys = [
            doors[0].new_key(
                user_id=("ada", "bob")[i % 2],
                max_budget=0.005,
                budget_duration="1d",
                max_parallel_requests=60,
                model_max_budget={"claude-haiku-4-5": {"budget_limit": 0.004}},
            )
            for i in range(10)
        ]
        async with http(1000) as client:
            answers = await asyncio.gather(
                *(
                    ask(client, doors[i % gateways], keys[i % 10], question(20, stream=i % 3 == 0))
                    for i in range(1000)
                )
            )

    statuses = Counter(answer.status_code for answer in answers)
    assert statuses.keys() == {200, 429}
    assert statuses[200] >= 30  # three for each key: most find the money held by others
    slices = SLICE * HAIKU_OUTPUT
    for account in stack.query("SELECT * FROM budget_counter"):
        cap = {"key_model": "0.004", "key": "0.005", "user": "0.02"}[account["scope"]]
        assert account["spent"] <= Decimal(cap) + slices
    meters = stack.query("SELECT DISTINCT in_flight FROM rate_limit_bucket")
    assert [meter["in_flight"] for meter in meters] == [0]
    (server,) = stack.query(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )
    assert server["deadlocks"] == 0
    assert_spend_equals_the_bill(stack)


async def test_an_answer_that_the_budget_ends_is_whole_and_says_so(own_stack: Stack) -> None:
    key = own_stack.gateway.new_key(max_budget=0.005)
    own_stack.emulator.scenario(TEN_TIMES_REAL)

    async with http(1) as client:
        answer = await ask(client, own_stack.gateway, key, question(5000, stream=True))
        rest = [
            await ask(client, own_stack.gateway, key, question(5000, stream=True)) for _ in range(6)
        ]

    assert answer.status_code == 200
    assert '"stop_reason":"max_tokens"' in answer.text
    assert answer.text.rstrip().endswith('data: {"type":"message_stop"}')
    rows = own_stack.spend_log()
    assert (rows[0]["ending"], rows[0]["estimated"]) == ("budget_exhausted", True)
    assert sum(row["cost"] for row in rows) <= Decimal("0.005") + SLICE * HAIKU_OUTPUT
    assert rest[-1].status_code == 429
    assert rest[-1].headers["x-should-retry"] == "false"


async def test_requests_one_after_another_spend_the_budget_to_its_end(own_stack: Stack) -> None:
    """A hold is replaced before the last byte, so the next request never trips over it."""
    key = own_stack.gateway.new_key(max_budget=0.01)
    statuses: list[int] = []

    async with http(1) as client:
        while len(statuses) < 200 and statuses[-1:] != [429]:
            answer = await ask(client, own_stack.gateway, key, question(20, stream=False))
            statuses.append(answer.status_code)

    (account,) = own_stack.query("SELECT * FROM budget_counter")
    assert statuses[-1] == 429
    assert Decimal("0.0095") <= account["spent"] <= Decimal("0.01")
    assert_spend_equals_the_bill(own_stack)


async def test_an_answer_wanted_whole_is_cut_by_a_tight_budget_too(own_stack: Stack) -> None:
    key = own_stack.gateway.new_key(max_budget=0.005)
    own_stack.emulator.scenario(TEN_TIMES_REAL)

    async with http(1) as client:
        answer = await ask(client, own_stack.gateway, key, question(5000, stream=False))

    message = answer.json()
    (row,) = own_stack.spend_log()
    assert (answer.status_code, message["stop_reason"]) == (200, "max_tokens")
    assert message["content"][0]["text"]
    assert message["usage"]["output_tokens"] == row["output_tokens"] < 5000
    assert (row["ending"], row["stream"]) == ("budget_exhausted", False)
    assert row["cost"] <= Decimal("0.005") + SLICE * HAIKU_OUTPUT


async def test_an_answer_gathered_for_a_tight_budget_is_the_same_as_one_that_is_not(
    own_stack: Stack,
) -> None:
    rich, poor = own_stack.gateway.new_key(), own_stack.gateway.new_key(max_budget=0.5)
    own_stack.emulator.scenario(
        {"kind": "tool_then_text", "tool": "weather", "input": {"place": "Bergen"}}
    )
    body = question(50, stream=False) | {
        "model": "claude-sonnet-5",
        "tools": [{"name": "weather", "input_schema": {"type": "object"}}],
    }

    async with http(1) as client:
        whole = (await ask(client, own_stack.gateway, rich, body)).json()
        gathered = (await ask(client, own_stack.gateway, poor, body)).json()

    assert [call["path"].rpartition("/")[2] for call in own_stack.emulator.received()] == [
        "invoke",
        "invoke-with-response-stream",
    ]
    for message in (whole, gathered):
        message.pop("id")
        for block in message["content"]:
            block.pop("id", None)
            block.pop("signature", None)
    assert gathered == whole
    assert_spend_equals_the_bill(own_stack)


async def test_money_that_is_only_held_is_a_reason_to_wait_not_to_give_up(
    own_stack: Stack,
) -> None:
    key = own_stack.gateway.new_key(max_budget=0.002)
    own_stack.emulator.scenario({"kind": "slow", "seconds": 0.2})

    async with http(20) as client:
        answers = await asyncio.gather(
            *(ask(client, own_stack.gateway, key, question(8, stream=True)) for _ in range(20))
        )

    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    for answer in refused:
        assert answer.json()["error"]["type"] == "rate_limit_error"
        assert int(answer.headers["retry-after"]) < 60
        assert "x-should-retry" not in answer.headers
        assert "reserve" in answer.json()["error"]["message"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("spent", "status", "threshold"),
    [
        ("0", "allowed", None),
        ("7.5", "allowed_warning", "0.75"),
        ("9.6", "allowed_warning", "0.95"),
    ],
)
async def test_an_answer_says_how_near_the_end_of_the_budget_is(
    stack: Stack, spent: str, status: str, threshold: str | None, stream: bool
) -> None:
    key = stack.gateway.new_key(max_budget=10, budget_duration="1d")
    token = stack.gateway.admin("GET", "/key/info", key=key)["key"]
    stack.execute(
        f"UPDATE budget_counter SET spent = {spent} WHERE id = '{token}' "
        "AND window_start = date_trunc('day', now(), 'UTC')"
    )

    async with http(1) as client:
        answer = await ask(client, stack.gateway, key, question(5, stream=stream))

    unified = "anthropic-ratelimit-unified-"
    assert answer.headers[f"{unified}status"] == status
    assert answer.headers[f"{unified}overage-utilization"] == f"{Decimal(spent) / 10:.2f}"
    assert answer.headers.get(f"{unified}overage-surpassed-threshold") == threshold
    assert int(answer.headers[f"{unified}reset"]) > 1_700_000_000
    warning = f"key {threshold}" if threshold else None
    assert answer.headers.get("x-gateway-budget-warning") == warning


async def test_a_budget_of_everybody_for_one_model_leaves_the_others_alone(
    database_url: str, tmp_path: Path
) -> None:
    budget = '{"claude-haiku-4-5": {"budget_limit": 0.00001, "time_period": "1d"}}'
    settings = {
        "GATEWAY_GLOBAL_MODEL_BUDGETS": budget,
        "GATEWAY_GLOBAL_SOFT_BUDGET": "0",
    }
    with running_stack(database_url, tmp_path, **settings) as stack:
        key = stack.gateway.new_key()
        async with http(1) as client:
            refused = await ask(client, stack.gateway, key, question(5, stream=False))
            other = {**question(5, stream=False), "model": "claude-sonnet-4-5"}
            first = await ask(client, stack.gateway, key, other)
            second = await ask(client, stack.gateway, key, other)

    assert refused.status_code == 429
    whose = "The budget of the whole gateway for claude-haiku-4-5"
    assert refused.json()["error"]["message"].startswith(whose)
    assert (first.status_code, second.status_code) == (200, 200)
    assert "x-gateway-budget-warning" not in first.headers
    assert second.headers["x-gateway-budget-warning"] == "global soft"


async def test_an_increase_for_everybody_ends_by_itself(database_url: str, tmp_path: Path) -> None:
    past, future = "2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
    statuses = {}
    for until in (past, future):
        settings = {
            "GATEWAY_GLOBAL_MAX_BUDGET": "0",
            "GATEWAY_GLOBAL_BUDGET_INCREASE": "5",
            "GATEWAY_GLOBAL_BUDGET_INCREASE_UNTIL": until,
        }
        with running_stack(database_url, tmp_path, **settings) as stack:
            async with http(1) as client:
                key = stack.gateway.new_key()
                answer = await ask(client, stack.gateway, key, question(5, stream=False))
        statuses[until] = answer.status_code

    assert statuses == {past: 429, future: 200}
