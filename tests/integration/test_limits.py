"""Limits on speed, as clients meet them: one count for all gateways, and fair refusals."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.processes import GatewayProcess, gateway_process
from tests.support.stack import Stack
from tests.support.waiting import busy, until

HAIKU, OPUS = "claude-haiku-4-5", "claude-opus-5-5"


def question(model: str = HAIKU, **fields: Any) -> dict[str, Any]:
    return {
        "model": model,
        "max_tokens": 50,
        "messages": [{"role": "user", "content": "[[tokens=5]]"}],
        **fields,
    }


def ask(
    gateway: GatewayProcess, key: str, body: dict[str, Any], path: str = "/v1/messages"
) -> httpx.Response:
    return httpx.post(
        gateway.public_url + path, json=body, headers={"authorization": f"Bearer {key}"}
    )


def statuses(gateway: GatewayProcess, key: str, count: int, model: str = HAIKU) -> list[int]:
    return [ask(gateway, key, question(model)).status_code for _ in range(count)]


def test_requests_per_minute_hold_over_all_gateways(stack: Stack, tmp_path: Path) -> None:
    key = stack.gateway.new_key(rpm_limit=4)
    with gateway_process(stack.database_url, stack.emulator.url, tmp_path) as other:
        answers = [
            ask(gateway, key, question()) for _ in range(3) for gateway in (stack.gateway, other)
        ]

    assert [answer.status_code for answer in answers] == [200] * 4 + [429] * 2
    assert [a.headers["anthropic-ratelimit-requests-remaining"] for a in answers[:4]] == list(
        "3210"
    )


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/v1/messages", ("rate_limit_error", None)),
        ("/v1/chat/completions", ("rate_limit_error", "rate_limit_exceeded")),
    ],
)
def test_a_refusal_says_which_limit_and_when_to_come_back(
    stack: Stack, path: str, shape: tuple[str, str | None]
) -> None:
    key = stack.gateway.new_key(rpm_limit=1)
    ask(stack.gateway, key, question())

    answer = ask(stack.gateway, key, question(), path)

    error = answer.json()["error"]
    assert answer.status_code == 429
    assert (error["type"], error.get("code")) == shape
    assert error["message"].startswith("This API key may make 1 requests a minute. Try again in")
    assert 50 <= int(answer.headers["retry-after"]) <= 60


def test_bedrocks_clients_are_told_in_bedrocks_words(stack: Stack) -> None:
    key = stack.gateway.new_key(rpm_limit=1)
    ask(stack.gateway, key, question())
    body = question() | {"anthropic_version": "bedrock-2023-05-31"}
    del body["model"]

    answer = ask(stack.gateway, key, body, f"/bedrock/model/us.anthropic.{OPUS}/invoke")

    assert answer.status_code == 429
    assert answer.headers["x-amzn-errortype"] == "ThrottlingException"


def test_tokens_per_minute_count_what_was_used(stack: Stack) -> None:
    key = stack.gateway.new_key(tpm_limit=500)

    first = ask(
        stack.gateway, key, question(messages=[{"role": "user", "content": "[[tokens=45]]"}])
    )
    second = ask(stack.gateway, key, question(max_tokens=4000))

    assert first.status_code == 200
    assert int(second.headers["anthropic-ratelimit-tokens-limit"]) == 500
    used = sum(first.json()["usage"][kind] for kind in ("input_tokens", "output_tokens"))
    remaining = int(second.headers["anthropic-ratelimit-tokens-remaining"])
    assert abs(500 - used - remaining) <= 25


async def test_no_more_requests_are_in_flight_than_allowed(own_stack: Stack) -> None:
    own_stack.emulator.scenario({"kind": "slow", "seconds": 0.05})
    key = own_stack.gateway.new_key(max_parallel_requests=3)

    async with httpx.AsyncClient(timeout=30, base_url=own_stack.gateway.public_url) as client:
        answers = await asyncio.gather(
            *(
                client.post("/v1/messages", json=question(), headers={"x-api-key": key})
                for _ in range(12)
            )
        )
        again = await client.post("/v1/messages", json=question(), headers={"x-api-key": key})

    found = [answer.status_code for answer in answers]
    assert 3 <= found.count(200) < 12
    assert set(found) == {200, 429}
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert "has 3 requests in flight" in refused.json()["error"]["message"]
    assert refused.headers["retry-after"] == "2"
    assert again.status_code == 200
    meters = own_stack.query("SELECT in_flight FROM rate_limit_bucket")
    assert [row["in_flight"] for row in meters] == [0]


def test_a_users_keys_share_its_limits(stack: Stack) -> None:
    first = stack.gateway.admin("POST", "/user/new", user_id="twins", rpm_limit=3)["key"]
    second = stack.gateway.new_key(user_id="twins")

    assert statuses(stack.gateway, first, 2) + statuses(stack.gateway, second, 2) == [
        200,
        200,
        200,
        429,
    ]


def test_a_limit_for_one_model_leaves_the_others_alone(stack: Stack) -> None:
    key = stack.gateway.new_key(model_rpm_limit={OPUS: 1})

    assert statuses(stack.gateway, key, 2, OPUS) == [200, 429]
    assert statuses(stack.gateway, key, 3) == [200] * 3


def test_a_models_own_limit_holds_for_everybody(own_stack: Stack) -> None:
    gateway = own_stack.gateway
    gateway.admin(
        "POST",
        "/model/new",
        model_name=OPUS,
        litellm_params={"model": OPUS, "rpm": 2},
    )
    keys = [gateway.new_key() for _ in range(3)]

    found = [statuses(gateway, key, 1, OPUS)[0] for key in keys]

    assert found == [200, 200, 429]
    assert statuses(gateway, keys[2], 1) == [200]


def test_counting_tokens_and_health_are_outside_of_limits(stack: Stack) -> None:
    key = stack.gateway.new_key(rpm_limit=1, max_parallel_requests=1)
    assert statuses(stack.gateway, key, 2) == [200, 429]

    counted = question()
    del counted["max_tokens"]
    answers = [ask(stack.gateway, key, counted, "/v1/messages/count_tokens") for _ in range(3)]
    health = httpx.get(f"{stack.gateway.public_url}/health/readiness")

    assert [answer.status_code for answer in answers] == [200] * 3
    assert health.status_code == 200


def test_a_refused_request_is_told_in_the_log_and_booked_nowhere(own_stack: Stack) -> None:
    key = own_stack.gateway.new_key(rpm_limit=0)

    assert statuses(own_stack.gateway, key, 1) == [429]

    (outcome,) = own_stack.gateway.outcomes()
    assert (outcome["error_code"], outcome["cost_usd"]) == ("rate_limited", "0")
    assert own_stack.spend_log() == []


async def test_a_limit_that_is_changed_holds_at_once_in_every_gateway(
    stack: Stack, tmp_path: Path
) -> None:
    key = stack.gateway.new_key()
    with gateway_process(stack.database_url, stack.emulator.url, tmp_path) as other:
        assert statuses(other, key, 1) == [200]
        stack.gateway.admin("POST", "/key/update", key=key, rpm_limit=0)

        await until(lambda: statuses(other, key, 1) == [429], seconds=busy(1))


async def test_a_place_held_by_a_gateway_that_was_killed_is_given_back(
    own_stack: Stack, tmp_path: Path
) -> None:
    own_stack.emulator.scenario({"kind": "slow", "seconds": 0.5})
    settings = {"GATEWAY_INSTANCE_TIMEOUT_SECONDS": "1"}
    with gateway_process(
        own_stack.database_url, own_stack.emulator.url, tmp_path, settings
    ) as dying:
        key = dying.new_key(max_parallel_requests=1)
        threading.Thread(target=lambda: _try(dying, key), daemon=True).start()
        await until(lambda: own_stack.reservations() != [])
        dying.kill()
    own_stack.emulator.scenario()

    with gateway_process(
        own_stack.database_url, own_stack.emulator.url, tmp_path, settings
    ) as heir:
        await until(lambda: statuses(heir, key, 1) == [200], seconds=60)
        said = [line for line in heir.log() if "orphaned reservation" in line["message"]]
        metrics = heir.metrics()

    assert len(said) == 1
    assert 'gateway_recovered_requests_total{kind="orphan"} 1.0' in metrics


def _try(gateway: GatewayProcess, key: str) -> None:
    try:
        ask(gateway, key, question())
    except httpx.HTTPError:
        return
