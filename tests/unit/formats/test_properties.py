"""What holds for the translators whatever is sent."""

from contextlib import suppress
from copy import deepcopy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.catalog import shipped_models
from app.catalog.model import Model
from app.errors import InvalidRequest
from app.formats.anthropic_bedrock import to_bedrock
from app.formats.openai_chat import to_messages
from app.local.emulator.validation import check_body
from tests.unit.formats.requests import BETAS, hostile, requests

MODELS = shipped_models()
MESSAGES_FIELDS = (
    "system", "tools", "tool_choice", "thinking", "output_config", "context_management",
    "cache_control", "temperature", "top_p", "stop_sequences", "metadata",
)  # fmt: skip
CHAT_FIELDS = (
    "tools", "tool_choice", "response_format", "reasoning_effort", "modalities", "n", "stop",
    "temperature", "top_p", "max_completion_tokens", "parallel_tool_calls", "user", "logprobs",
    "functions", "stream_options",
)  # fmt: skip


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
@given(data=st.data())
def test_bedrock_accepts_what_the_translation_gives(model: Model, data: st.DataObject) -> None:
    request, betas = data.draw(requests(model)), data.draw(BETAS)

    check_body(to_bedrock(request, betas, model), model)


@given(data=st.data(), model=st.sampled_from(MODELS))
def test_the_same_request_gives_the_same_body_and_stays_as_it_was(
    data: st.DataObject, model: Model
) -> None:
    request, betas = data.draw(requests(model)), data.draw(BETAS)
    before = deepcopy(request)

    first, second = to_bedrock(request, betas, model), to_bedrock(before, betas, model)

    assert orjson.dumps(first) == orjson.dumps(second)
    assert request == before


@given(body=hostile(*MESSAGES_FIELDS), model=st.sampled_from(MODELS))
def test_a_hostile_request_is_a_body_or_a_refusal(body: dict[str, Any], model: Model) -> None:
    before = deepcopy(body)

    with suppress(InvalidRequest):
        to_bedrock(body, (), model)

    assert body == before


@given(body=hostile(*CHAT_FIELDS), model=st.sampled_from(MODELS))
def test_a_hostile_completion_is_a_request_or_a_refusal(body: dict[str, Any], model: Model) -> None:
    before = deepcopy(body)

    with suppress(InvalidRequest):
        to_bedrock(to_messages(body, default_max_tokens=100), (), model)

    assert body == before


@pytest.mark.parametrize("depth", [50, 500])
def test_results_within_results_are_no_way_to_stop_the_gateway(depth: int) -> None:
    block: dict[str, Any] = {"type": "tool_result", "tool_use_id": "x", "content": "y"}
    for _ in range(depth):
        block = {"type": "tool_result", "tool_use_id": "x", "content": [block]}
    body = {"max_tokens": 1, "messages": [{"role": "user", "content": [block]}]}

    to_bedrock(body, (), MODELS[0])
