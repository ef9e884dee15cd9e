"""One more try at Bedrock, seen from outside."""

from pathlib import Path

import httpx
import pytest

from tests.support.processes import EMULATOR
from tests.support.stack import Stack, assert_spend_equals_the_bill, running_stack

BODY = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 100,
    "metadata": {"user_id": "u"},
    "messages": [{"role": "user", "content": "[[say=Here I am]]"}],
}


def ask(stack: Stack, *, stream: bool, key: str | None = None, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(
        f"{stack.gateway.public_url}/v1/messages",
        json=BODY | {"stream": stream},
        headers={"x-api-key": key or stack.gateway.new_key(), **named},
    )


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", ["throttle", "unavailable"])
def test_a_passing_trouble_is_not_seen_by_the_client(
    own_stack: Stack, kind: str, stream: bool
) -> None:
    own_stack.emulator.scenario({"kind": kind, "times": 1})

    response = ask(own_stack, stream=stream)

    assert response.status_code == 200
    assert len(own_stack.emulator.received()) == 2
    assert_spend_equals_the_bill(own_stack)


def test_throttling_in_the_first_frame_is_tried_again_too(own_stack: Stack) -> None:
    own_stack.emulator.scenario({"kind": "exception_first", "times": 1})

    assert "Here I am" in ask(own_stack, stream=True).text


def test_a_failover_is_billed_at_the_price_of_the_profile_that_answered(
    database_url: str, tmp_path: Path
) -> None:
    with running_stack(database_url, tmp_path, GATEWAY_BEDROCK_FAILOVER="global") as stack:
        stack.emulator.scenario({"kind": "throttle", "model": "us.anthropic"})

        assert ask(stack, stream=True).status_code == 200
        assert ask(stack, stream=False).status_code == 200
        assert {row["upstream_model"].partition(".")[0] for row in stack.spend_log()} == {"global"}
        assert_spend_equals_the_bill(stack)


@pytest.mark.parametrize(
    ("refused", "headers"),
    [
        ({"field": "metadata"}, {}),
        (
            {"beta": "interleaved-thinking-2025-05-14"},
            {"anthropic_beta": "interleaved-thinking-2025-05-14"},
        ),
        (
            {"beta": "interleaved-thinking-2025-05-14", "named": False},
            {"anthropic_beta": "interleaved-thinking-2025-05-14"},
        ),
    ],
)
def test_what_bedrock_no_longer_takes_costs_one_more_call_once(
    own_stack: Stack, refused: dict[str, object], headers: dict[str, str]
) -> None:
    own_stack.emulator.scenario({"kind": "refuse", **refused})

    key = own_stack.gateway.new_key()

    first = ask(own_stack, stream=True, key=key, **headers)
    second = ask(own_stack, stream=False, key=key, **headers)

    assert (first.status_code, second.status_code) == (200, 200)
    assert len(own_stack.emulator.received()) == 3


def test_credentials_that_expired_are_read_anew_once(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    stale = "[default]\naws_access_key_id = OLD\naws_secret_access_key = old\n"
    fresh = (
        f"[default]\naws_access_key_id = {EMULATOR.access_key}\n"
        f"aws_secret_access_key = {EMULATOR.secret_key}\n"
    )
    file.write_text(stale)
    settings = {
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
        "AWS_SHARED_CREDENTIALS_FILE": str(file),
    }
    with running_stack(database_url, tmp_path, **settings) as stack:
        refused = ask(stack, stream=True)
        file.write_text(fresh)
        answered = ask(stack, stream=True)

    assert (refused.status_code, answered.status_code) == (502, 200)
    assert refused.headers["x-should-retry"] == "false"
    assert "operator" in refused.json()["error"]["message"]
