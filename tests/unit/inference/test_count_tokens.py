"""Token counts: each is asked once, and few at a time."""

import asyncio
import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from app.catalog.catalog import load_catalog
from app.core.time import Clock
from app.errors import (
    AuthenticationFailed,
    GatewayError,
    InvalidRequest,
    ModelNotAllowed,
    NotSupported,
    RateLimited,
    UnknownModel,
    UpstreamThrottled,
)
from app.identity.authentication import Authenticator
from app.identity.policy import Caller, hash_key
from app.inference import count_tokens as counting
from app.inference.count_tokens import CountRequest, TokenCounter
from app.inference.intake import Intake
from app.upstream.upstream import Call
from tests.support.examples import credentials, sent
from tests.support.examples import key as example_key
from tests.support.fakes import MemoryDirectory

SECRET = "sk-counting-test-key"
OTHER = "sk-another-counting-key"
HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0"


@dataclass
class SlowCounter:
    """Answers when it is let, with the length of the body."""

    let: asyncio.Event = field(default_factory=asyncio.Event)
    calls: list[Call] = field(default_factory=list)
    error: GatewayError | None = None
    now: int = 0
    most: int = 0

    async def count(self, call: Call) -> int:
        self.calls.append(call)
        self.now += 1
        self.most = max(self.most, self.now)
        await self.let.wait()
        self.now -= 1
        if self.error is not None:
            raise self.error
        return len(call.body)


def counter(
    upstream: SlowCounter, *, at_once: int = 2, models: tuple[str, ...] = ()
) -> TokenCounter:
    key = example_key(hash=hash_key(SECRET), models=models)
    other = example_key(id="other", hash=hash_key(OTHER))
    authenticator = Authenticator(
        MemoryDirectory({k.hash: Caller(k, None) for k in (key, other)}),
        master_key="sk-master-key-of-a-test",
        cache_seconds=60,
        unknown_keys_per_minute=0,
        clock=Clock(),
        contact=None,
    )
    catalog = load_catalog(region="us-east-1", profile=None)
    intake = Intake(10_000_000, lambda: 0)
    return TokenCounter(authenticator, catalog, intake, upstream, at_once=at_once)


def request(text: str = "hi", **changes: Any) -> bytes:
    return orjson.dumps(
        {
            "model": "claude-haiku-4-5",
            "messages": [{"role": "user", "content": text}],
            "tools": [],
            **changes,
        }
    )


async def count(
    use: TokenCounter, body: bytes, betas: Sequence[str] = (), key: str = SECRET
) -> int:
    return await use.count_messages(asked_with(body, key), betas)


def asked_with(body: bytes, key: str = SECRET) -> CountRequest:
    return CountRequest(credentials(key), sent(body), len(body))


def ready() -> SlowCounter:
    upstream = SlowCounter()
    upstream.let.set()
    return upstream


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_bedrock_is_asked_by_the_foundation_id_with_a_body_that_it_takes() -> None:
    upstream = ready()

    await count(counter(upstream), request(context_management={"edits": []}, stream=True))

    (call,) = upstream.calls
    assert call.bedrock_id == HAIKU
    assert json.loads(call.body) == {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 1,
        "messages": [{"role": "user", "content": "hi"}],
    }


async def test_the_token_limit_is_above_the_thinking_budget() -> None:
    upstream = ready()
    thinking = {"type": "enabled", "budget_tokens": 31_999}

    await count(counter(upstream), request(thinking=thinking, max_tokens=5))

    assert json.loads(upstream.calls[0].body)["max_tokens"] == 32_000


async def test_the_same_question_is_asked_once() -> None:
    upstream = ready()
    use = counter(upstream)

    first, second = await count(use, request()), await count(use, request(metadata=None))
    other = await count(use, request("something else"))

    assert first == second != other
    assert len(upstream.calls) == 2


async def test_those_who_ask_the_same_at_once_share_the_answer() -> None:
    upstream = SlowCounter()
    use = counter(upstream)
    asking = [asyncio.create_task(count(use, request())) for _ in range(35)]
    await settled()
    asking[0].cancel()
    upstream.let.set()
    answers = await asyncio.gather(*asking, return_exceptions=True)

    assert len(upstream.calls) == 1
    assert isinstance(answers[0], asyncio.CancelledError)
    assert set(answers[1:]) == {len(upstream.calls[0].body)}


async def test_only_so_many_are_asked_of_bedrock_at_a_time() -> None:
    upstream = SlowCounter()
    use = counter(upstream, at_once=4)
    asking = [
        asyncio.create_task(count(use, request(f"{key} {n}"), key=key))
        for key in (SECRET, OTHER)
        for n in range(10)
    ]
    await settled()
    assert upstream.most == 4
    upstream.let.set()
    await asyncio.gather(*asking)

    assert (upstream.most, len(upstream.calls)) == (4, 20)


async def test_a_caller_with_many_counts_holds_up_nobody_else() -> None:
    upstream = SlowCounter()
    use = counter(upstream, at_once=4)
    crowd = [asyncio.create_task(count(use, request(str(n)))) for n in range(150)]
    await settled()
    assert upstream.most == 2

    colleague = asyncio.create_task(count(use, request("a colleague's"), key=OTHER))
    await settled()

    assert b"colleague" in upstream.calls[-1].body
    upstream.let.set()
    await asyncio.gather(*crowd, colleague)


async def test_a_count_that_finds_no_place_for_long_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(counting, "WAIT_SECONDS", 0.01)
    upstream = SlowCounter()
    use = counter(upstream)
    first = asyncio.create_task(count(use, request("first")))
    await settled()

    with pytest.raises(RateLimited, match="Too many token counts"):
        await count(use, request("second"))
    upstream.let.set()
    await first


async def test_the_admission_of_a_request_goes_without_a_count_that_is_not_to_be_had(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = load_catalog(region="us-east-1", profile=None).resolve("claude-haiku-4-5")
    upstream = ready()
    assert await counter(upstream).tokens("owner", target, b"12345") == 5

    upstream.error = UpstreamThrottled("Wait.")
    assert await counter(upstream).tokens("owner", target, b"12345") is None

    monkeypatch.setattr(counting, "ADMISSION_SECONDS", 0.01)
    assert await counter(SlowCounter()).tokens("owner", target, b"12345") is None


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "COUNTS_REMEMBERED", 2)
    upstream = ready()
    use = counter(upstream)
    for text in ("a", "b", "a", "c", "a", "b"):
        await count(use, request(text))

    assert [json.loads(c.body)["messages"][0]["content"] for c in upstream.calls] == [*"abcb"]


async def test_a_failure_is_not_remembered() -> None:
    upstream = ready()
    upstream.error = UpstreamThrottled("Wait.")
    use = counter(upstream)
    with pytest.raises(UpstreamThrottled):
        await count(use, request())
    upstream.error = None

    assert await count(use, request()) > 0


async def test_a_model_that_bedrock_cannot_count_for_is_asked_once() -> None:
    upstream = ready()
    upstream.error = NotSupported("The provided model doesn't support counting tokens.")
    use = counter(upstream)
    for text in "abc":
        with pytest.raises(NotSupported, match="does not count tokens for claude-haiku-4-5"):
            await count(use, request(text))

    assert len(upstream.calls) == 1


async def test_a_model_that_is_known_not_to_be_counted_for_is_not_asked() -> None:
    upstream = ready()

    with pytest.raises(NotSupported):
        await count(counter(upstream), request(model="claude-opus-5-5"))

    assert upstream.calls == []


async def test_key_and_model_list_are_respected() -> None:
    upstream = ready()
    with pytest.raises(AuthenticationFailed):
        await count(counter(upstream), request(), key="sk-unknown-key")
    with pytest.raises(ModelNotAllowed):
        await count(counter(upstream, models=("claude-opus-5-5",)), request())
    with pytest.raises(UnknownModel):
        await count(counter(upstream), request(model="claude-unknown"))

    assert upstream.calls == []


async def test_the_body_of_bedrocks_own_call_goes_through_as_it_came() -> None:
    upstream = ready()
    inner = b'{ "max_tokens" : 1, "messages": [ ] }'
    asked = {"input": {"invokeModel": {"body": base64.b64encode(inner).decode()}}}

    await counter(upstream).count_bedrock(asked_with(orjson.dumps(asked)), f"us.{HAIKU}")

    assert upstream.calls == [Call(HAIKU, inner)]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"input": {"converse": {"messages": []}}},
        {"input": {"invokeModel": {"body": {}}}},
        {"input": {"invokeModel": {"body": "no base64!"}}},
    ],
)
async def test_another_input_is_refused_by_name(asked: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match=r"input\.invokeModel\.body"):
        await counter(ready()).count_bedrock(asked_with(orjson.dumps(asked)), HAIKU)
