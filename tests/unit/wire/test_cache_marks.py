"""Which cache lifetimes a request asks for."""

from typing import Any

import pytest
from hypothesis import given

from app.wire.cache_marks import one_hour_cache
from tests.unit.translate.requests import ANYTHING, hostile

HOUR = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
TEXT = {"type": "text", "text": "x"}


def said(*blocks: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(blocks)}]}


MARKED = {
    "the request": {**said(TEXT), **HOUR},
    "a tool": {**said(TEXT), "tools": [{"name": "x"}, {"name": "y", **HOUR}]},
    "the system prompt": {**said(TEXT), "system": [TEXT, {**TEXT, **HOUR}]},
    "a block": said(TEXT, {**TEXT, **HOUR}),
    "a block of a result": said({"type": "tool_result", "content": [{**TEXT, **HOUR}]}),
    "a block of a document": said({"type": "document", "source": {"content": [{**TEXT, **HOUR}]}}),
}
UNMARKED = {
    "nothing": said(TEXT),
    "five minutes": said({**TEXT, "cache_control": {"type": "ephemeral", "ttl": "5m"}}),
    "no lifetime": said({**TEXT, "cache_control": {"type": "ephemeral"}}),
    "a tool's input": said({"type": "tool_use", "input": {"ttl": "1h", **HOUR}}),
    "a text": said({"type": "text", "text": '{"cache_control":{"ttl":"1h"}}'}),
    "a schema": {**said(TEXT), "tools": [{"input_schema": {"default": {"ttl": "1h"}}}]},
    "strings for lists": {"messages": "x", "tools": "y", "system": "z"},
}


@pytest.mark.parametrize("place", MARKED)
def test_a_mark_of_an_hour_is_found_wherever_it_stands(place: str) -> None:
    assert one_hour_cache(MARKED[place])


@pytest.mark.parametrize("place", UNMARKED)
def test_the_same_letters_elsewhere_are_no_mark(place: str) -> None:
    assert not one_hour_cache(UNMARKED[place])


@given(hostile("tools", "system", "cache_control"), ANYTHING)
def test_no_body_is_too_strange(body: dict[str, Any], content: Any) -> None:
    one_hour_cache(body)
    one_hour_cache({"messages": [{"content": content}]})
