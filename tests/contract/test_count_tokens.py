"""`/v1/messages/count_tokens` with the real `anthropic` SDK."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anthropic
import httpx
import pytest

from tests.contract.test_anthropic_sdk import WEATHER, client
from tests.support.stack import Stack, running_stack

BODY = {"model": "claude-haiku-4-5", "messages": [{"role": "user", "content": "hello"}]}


def ask(stack: Stack, key: str, **changes: object) -> httpx.Response:
    return httpx.post(
        f"{stack.gateway.public_url}/v1/messages/count_tokens?beta=true",
        json=BODY | changes,
        headers={"x-api-key": key, "anthropic-version": "2026-10-21"},
    )


def test_the_sdk_counts_what_bedrock_would(stack: Stack) -> None:
    with client(stack, stack.gateway.new_key()) as sdk:
        plain = sdk.messages.count_tokens(
            model="claude-haiku-4-5", messages=[{"role": "user", "content": "How is it there?"}]
        )
        with_tools = sdk.messages.count_tokens(
            model="claude-haiku-4-5",
            system="Be brief.",
            tools=[WEATHER],
            thinking={"type": "enabled", "budget_tokens": 20_000},
            messages=[{"role": "user", "content": "How is it there?"}],
        )
        answered = sdk.messages.create(
            model="claude-haiku-4-5",
            max_tokens=10,
            messages=[{"role": "user", "content": "How is it there?"}],
        )

    assert plain.input_tokens == answered.usage.input_tokens
    assert with_tools.input_tokens > plain.input_tokens


def test_a_count_is_outside_of_budgets_and_the_spend_log(own_stack: Stack) -> None:
    key = own_stack.gateway.new_key(max_budget=0)

    response = ask(own_stack, key, tools=[], metadata={"user_id": "u"})

    assert (response.status_code, response.json().keys()) == (200, {"input_tokens"})
    assert own_stack.spend_log() == own_stack.emulator.usage() == []


def test_many_at_once_reach_bedrock_once_each(database_url: str, tmp_path: Path) -> None:
    with running_stack(database_url, tmp_path, GATEWAY_COUNT_TOKENS_CONCURRENCY="2") as stack:
        key = stack.gateway.new_key()
        texts = [f"Part {n % 12}" for n in range(36)]
        with ThreadPoolExecutor(36) as threads:
            answers = list(threads.map(lambda text: ask(stack, key, system=text), texts))

        assert {answer.status_code for answer in answers} == {200}
        paths = [call["path"] for call in stack.emulator.received()]
        assert paths == [
            "/model/anthropic.claude-haiku-4-5-20251001-v1%3A0/count-tokens",
        ] * len(set(texts))


@pytest.mark.parametrize("path", ["public", "internal"])
def test_both_ports_count(stack: Stack, path: str) -> None:
    url = getattr(stack.gateway, f"{path}_url")
    response = httpx.post(
        f"{url}/v1/messages/count_tokens",
        json=BODY,
        headers={"authorization": f"Bearer {stack.gateway.new_key()}"},
    )

    assert response.json()["input_tokens"] > 0


def test_a_model_that_bedrock_does_not_count_for_is_a_501_that_is_not_retried(
    stack: Stack,
) -> None:
    key = stack.gateway.new_key()
    response = ask(stack, key, model="claude-opus-5-5")

    assert response.status_code == 501
    assert response.headers["x-should-retry"] == "false"
    assert response.json()["error"] == {
        "type": "not_supported",
        "message": "Bedrock does not count tokens for claude-opus-5-5.",
    }
    with (
        anthropic.Anthropic(base_url=stack.gateway.public_url, api_key=key) as sdk,
        pytest.raises(anthropic.APIStatusError, match="does not count tokens"),
    ):
        sdk.messages.count_tokens(
            model="claude-opus-5-5", messages=[{"role": "user", "content": "hi"}]
        )


def test_a_wrong_key_an_unknown_model_and_one_that_is_not_allowed_are_refused(
    stack: Stack,
) -> None:
    limited = stack.gateway.new_key(models=["claude-opus-5-5"])

    assert ask(stack, "sk-wrong-key").status_code == 401
    assert ask(stack, limited).status_code == 403
    assert ask(stack, limited, model="claude-x").status_code == 404


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"messages": []}, "messages"),
        ({"model": None}, "model"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools.0"),
    ],
)
def test_a_bad_request_is_a_400_that_names_the_field(
    stack: Stack, changes: dict[str, object], field: str
) -> None:
    response = ask(stack, stack.gateway.new_key(), **changes)

    assert response.status_code == 400
    assert field in response.json()["error"]["message"]
