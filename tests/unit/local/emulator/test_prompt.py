from typing import Any

import pytest

from app.catalog.catalog import shipped_models
from app.local.emulator.prompt import prompt_tokens, segments
from tests.unit.local.emulator.client import body


def count(document: dict[str, Any], name: str = "claude-haiku-4-5") -> int:
    model = next(m for m in shipped_models() if m.name == name)
    return prompt_tokens(segments(document, model))


def of(*blocks: Any) -> dict[str, Any]:
    return body(messages=[{"role": "user", "content": list(blocks)}])


@pytest.mark.parametrize(("text", "tokens"), [("x", 5), ("xxxx", 5), ("xxxxx", 6), ("é", 5)])
def test_text_is_counted_by_its_bytes_and_every_block_adds_four(text: str, tokens: int) -> None:
    assert count(body(text)) == tokens


def test_models_since_opus_4_7_count_three_tenths_more() -> None:
    assert count(body("x" * 4000)) == 1004
    assert count(body("x" * 4000), "claude-opus-4-7") == 1304


def test_a_string_and_a_text_block_count_the_same() -> None:
    assert count(body("Hello there")) == count(of({"type": "text", "text": "Hello there"}))


def test_a_cache_mark_changes_neither_count_nor_digest() -> None:
    plain = {"type": "text", "text": "Hello"}
    marked = {**plain, "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    model = shipped_models()[0]
    (bare,), (with_mark,) = segments(of(plain), model), segments(of(marked), model)

    assert (bare.digest, bare.tokens) == (with_mark.digest, with_mark.tokens)
    assert (bare.cache, with_mark.cache) == (None, "1h")


def test_images_and_documents_are_not_counted_by_their_base64() -> None:
    data = {"type": "base64", "media_type": "image/png", "data": "x" * 10_000}

    assert count(of({"type": "image", "source": data})) == 1604
    assert count(of({"type": "document", "source": data})) == 104


def test_a_tool_result_counts_what_it_holds() -> None:
    inner = [{"type": "text", "text": "x" * 40}, {"type": "image", "source": {}}]
    result = {"type": "tool_result", "tool_use_id": "t", "content": inner}

    assert count(of(result)) == 4 + 10 + 1600


def test_tools_loaded_on_demand_count_nothing() -> None:
    tool = {"name": "read", "input_schema": {"type": "object"}}
    later = {**tool, "name": "later", "defer_loading": True}

    assert count(body(tools=[tool])) > count(body())
    assert count(body(tools=[tool, later])) == count(body(tools=[tool]))
