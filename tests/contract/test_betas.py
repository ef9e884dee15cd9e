"""Beta flags are the operator's to change while gateways run."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.processes import MASTER_KEY, GatewayProcess, gateway_process
from tests.support.stack import Stack
from tests.support.waiting import until

FLAG = "interleaved-thinking-2025-05-14"
BODY = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 5,
    "messages": [{"role": "user", "content": "hi"}],
}


def admin(gateway: GatewayProcess, method: str, **kwargs: Any) -> httpx.Response:
    return httpx.request(
        method,
        f"{gateway.internal_url}/model/betas",
        headers={"authorization": f"Bearer {MASTER_KEY}"},
        **kwargs,
    )


def sent(stack: Stack, gateway: GatewayProcess, key: str) -> list[str]:
    response = httpx.post(
        f"{gateway.public_url}/v1/messages",
        json=BODY,
        headers={"x-api-key": key, "anthropic-beta": FLAG},
    )
    assert response.status_code == 200
    flags: list[str] = stack.emulator.received()[-1]["body"].get("anthropic_beta", [])
    return flags


async def test_a_rule_takes_effect_in_every_gateway_and_can_be_dropped(
    own_stack: Stack, tmp_path: Path
) -> None:
    stack, first = own_stack, own_stack.gateway
    key = first.new_key()
    with gateway_process(stack.database_url, stack.emulator.url, tmp_path) as second:
        assert sent(stack, second, key) == [FLAG]

        rule = {"model": "*", "beta": FLAG, "sent_as": None}
        assert admin(first, "PUT", json=rule).status_code == 200
        await until(lambda: sent(stack, second, key) == [])
        assert sent(stack, first, key) == []
        assert admin(second, "GET").json()["rules"] == [rule]

        dropped = admin(first, "DELETE", params={"model": "*", "beta": FLAG})
        assert dropped.status_code == 200
        await until(lambda: sent(stack, second, key) == [FLAG])


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        ({"model": "claude-nobody", "beta": FLAG, "sent_as": None}, "claude-nobody"),
        ({"model": "*", "beta": "Not A Flag", "sent_as": None}, "beta"),
        ({"model": "*", "beta": FLAG}, "sent_as"),
    ],
)
def test_a_rule_that_does_not_fit_is_refused_by_name(
    stack: Stack, rule: dict[str, Any], named: str
) -> None:
    response = admin(stack.gateway, "PUT", json=rule)

    assert response.status_code == 400
    assert named in response.json()["error"]["message"]


def test_a_rule_that_does_not_exist_cannot_be_dropped(stack: Stack) -> None:
    response = admin(stack.gateway, "DELETE", params={"model": "*", "beta": "never-set"})

    assert response.status_code == 404
