"""Traces, as they arrive in Langfuse, and a Langfuse that does not take them."""

import asyncio
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.telemetry.langfuse import trace_id
from tests.support.langfuse import PATH, Langfuse, langfuse_server
from tests.support.stack import Stack, running_stack
from tests.support.waiting import busy, until

HAIKU = "claude-haiku-4-5"
SECRET_WORD = "sk-ant-api03-abcdefghijklmnop"


@pytest.fixture
def langfuse() -> Iterator[Langfuse]:
    with langfuse_server() as server:
        yield server


@pytest.fixture
def traced(langfuse: Langfuse, database_url: str, tmp_path: Path) -> Iterator[Stack]:
    """A gateway that sends its traces there, without content."""
    settings = langfuse.settings() | {
        "LANGFUSE_TRACING_ENVIRONMENT": "test",
        "LANGFUSE_RELEASE": "v1.2.3",
    }
    with running_stack(database_url, tmp_path, **settings) as stack:
        yield stack


def question(text: str = "[[tokens=5]]", **fields: Any) -> dict[str, Any]:
    return {
        "model": HAIKU,
        "max_tokens": 60,
        "temperature": 0.5,
        "messages": [{"role": "user", "content": text}],
        **fields,
    }


def ask(stack: Stack, key: str, body: dict[str, Any], **headers: str) -> httpx.Response:
    return httpx.post(
        f"{stack.gateway.public_url}/v1/messages",
        json=body,
        headers={"x-api-key": key, **headers},
        timeout=30,
    )


@pytest.mark.parametrize("stream", [False, True])
async def test_a_call_is_a_generation_with_all_that_is_known_of_it(
    traced: Stack, langfuse: Langfuse, stream: bool
) -> None:
    key = traced.gateway.admin("POST", "/user/new", user_id="ada", key_alias="laptop")["key"]

    ask(
        traced,
        key,
        question(stream=stream),
        **{"x-claude-code-session-id": "s-1", "x-gateway-tags": "ci,night"},
    )
    await until(langfuse.generations)

    (span,) = langfuse.spans
    (row,) = traced.spend_log()
    observation = "langfuse.observation."
    assert span[f"{observation}model.name"] == HAIKU
    assert span[f"{observation}model.parameters"] == {"max_tokens": 60, "temperature": 0.5}
    assert span[f"{observation}usage_details"]["output"] == row["output_tokens"]
    assert span[f"{observation}usage_details"]["input"] == row["input_tokens"]
    costs = span[f"{observation}cost_details"]
    assert costs["total"] == pytest.approx(float(row["cost"]))
    assert costs["output"] == pytest.approx(float(row["output_cost"]))
    assert (span["user.id"], span["session.id"]) == ("ada", "s-1")
    assert span["langfuse.trace.tags"] == ["ci", "night"]
    assert (span["langfuse.environment"], span["langfuse.release"]) == ("test", "v1.2.3")
    assert span[f"{observation}metadata.request_id"] == row["request_id"]
    assert span["trace"] == f"{trace_id(row['request_id']):032x}"
    assert span["start"] == pytest.approx(row["started_at"].timestamp(), abs=0.01)
    if stream:
        first = datetime.fromisoformat(span[f"{observation}completion_start_time"]).timestamp()
        assert span["start"] < first <= span["start"] + span["seconds"]
    assert f"{observation}input" not in span
    assert f"{observation}output" not in span
    ((path, headers),) = langfuse.requests
    assert path == PATH
    assert headers["x-langfuse-public-key"]


async def test_a_failure_is_an_error_and_second_tries_are_spans_below(
    traced: Stack, langfuse: Langfuse
) -> None:
    traced.emulator.scenario({"kind": "throttle", "times": 3})
    key = traced.gateway.new_key()

    assert ask(traced, key, question()).status_code == 429
    assert ask(traced, key, question()).status_code == 200
    await until(lambda: len(langfuse.generations()) == 2)

    failed, mended = sorted(langfuse.generations(), key=lambda span: span["start"])
    level, message = "langfuse.observation.level", "langfuse.observation.status_message"
    assert (failed[level], failed[message]) == ("ERROR", "upstream_throttled")
    assert failed["failed"]
    assert level not in mended
    tries = [span for span in langfuse.spans if span["parent"] == mended["id"]]
    assert [span["name"] for span in tries] == ["attempt 1", "attempt 2"]
    assert tries[0][message] == "upstream_throttled"
    assert message not in tries[1]


async def test_every_ending_of_a_stream_closes_its_generation(
    traced: Stack, langfuse: Langfuse
) -> None:
    key, poor = traced.gateway.new_key(), traced.gateway.new_key(max_budget=0.000001)
    traced.emulator.scenario(
        {"kind": "exception_mid_stream", "times": 1}, {"kind": "slow", "seconds": 0.02, "times": 1}
    )
    ask(traced, key, question(stream=True))
    async with httpx.AsyncClient(base_url=traced.gateway.public_url) as client:
        body = question("[[tokens=40]]", stream=True)
        async with client.stream(
            "POST", "/v1/messages", json=body, headers={"x-api-key": key}
        ) as hung_up:
            async for _ in hung_up.aiter_bytes():
                break
    assert ask(traced, poor, question(stream=True)).status_code == 429
    assert ask(traced, key, question(stream=True)).status_code == 200

    await until(lambda: len(langfuse.generations()) == 4)

    endings = {span.get("langfuse.observation.metadata.ending") for span in langfuse.generations()}
    assert endings == {"upstream_failed", "client_disconnected", None, "completed"}


@pytest.mark.parametrize("stream", [False, True])
async def test_content_is_kept_as_far_as_is_wanted_and_without_secrets(
    langfuse: Langfuse, database_url: str, tmp_path: Path, stream: bool
) -> None:
    settings = langfuse.settings() | {
        "GATEWAY_LANGFUSE_CONTENT": "truncated",
        "GATEWAY_LANGFUSE_CONTENT_CHARS": "300",
        "GATEWAY_LANGFUSE_MASK": '["classified-[0-9]+"]',
    }
    with running_stack(database_url, tmp_path, **settings) as stack:
        text = f"[[say=Good day to you]] {SECRET_WORD} classified-77 {'x' * 900}"
        ask(stack, stack.gateway.new_key(), question(text, stream=stream))
        await until(langfuse.generations)
        log = stack.gateway.written()

    (span,) = langfuse.generations()
    asked = str(span["langfuse.observation.input"])
    answered = str(span["langfuse.observation.output"])
    assert "Good day to you" in asked
    assert "Good" in answered
    assert len(asked) <= 301
    assert SECRET_WORD not in asked + answered
    assert "classified-77" not in asked
    assert "<masked>" in asked
    assert "Good day" not in log


async def test_a_sample_is_traced(langfuse: Langfuse, database_url: str, tmp_path: Path) -> None:
    settings = langfuse.settings() | {"LANGFUSE_SAMPLE_RATE": "0.3"}
    with running_stack(database_url, tmp_path, **settings) as stack:
        key = stack.gateway.new_key()
        async with httpx.AsyncClient(base_url=stack.gateway.public_url, timeout=60) as client:
            await asyncio.gather(
                *(
                    client.post("/v1/messages", json=question(), headers={"x-api-key": key})
                    for _ in range(200)
                )
            )
        assert stack.gateway.stop() == 0

    assert 25 < len(langfuse.generations()) < 100


@pytest.mark.parametrize("trouble", ["refused", "wrong", "failing", "silent"])
async def test_a_langfuse_in_trouble_delays_no_request_and_no_end(
    langfuse: Langfuse, database_url: str, tmp_path: Path, trouble: str
) -> None:
    settings = langfuse.settings() | {"GATEWAY_LANGFUSE_CONTENT": "full"}
    if trouble == "refused":
        settings["LANGFUSE_BASE_URL"] = "http://127.0.0.1:9"
    elif trouble == "wrong":
        settings["LANGFUSE_SECRET_KEY"] = "sk-lf-another"
    elif trouble == "failing":
        langfuse.status = 500
    else:
        langfuse.go.clear()
    with running_stack(database_url, tmp_path, **settings) as stack:
        key = stack.gateway.new_key()
        answers = [ask(stack, key, question("x" * 5_000)) for _ in range(30)]
        started = time.monotonic()
        code = stack.gateway.stop()
        took = time.monotonic() - started

    assert {answer.status_code for answer in answers} == {200}
    assert code == 0
    assert took < busy(8)
    assert [row["status"] for row in stack.spend_log()] == [200] * 30
