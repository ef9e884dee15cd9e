"""Events and usage of Anthropic's Messages."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.usage import Usage
from app.formats.events import Event, last_events
from app.formats.usage import MOST_TOKENS, parse_usage, usage_json


@pytest.mark.parametrize(
    "raw",
    [
        b'{"type":"ping"}',
        b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a b"}}',
    ],
)
def test_an_event_on_one_line_is_kept_byte_for_byte(raw: bytes) -> None:
    event = Event.of(raw)

    assert (event.raw, event.untouched) == (raw, raw)
    assert (event.kind, event.json) == (orjson.loads(raw)["type"], orjson.loads(raw))


@pytest.mark.parametrize(
    "raw",
    [
        b'{"index":0,"type":"ping"}',
        b'{ "type": "ping", "index": 0 }',
        b'{"type":"ping",\n"index":0}',
        b'{"type":"ping",\r"index":0}',
        b'{"type":"ping","index":0}\n',
        b'{"type":"pi\\u006eg","index":0}',
    ],
)
def test_an_event_in_another_form_is_the_same_event_on_one_line(raw: bytes) -> None:
    event = Event.of(raw)

    assert (event.kind, event.json) == ("ping", {"type": "ping", "index": 0})
    assert event.untouched == raw
    assert b"\n" not in event.raw
    assert b"\r" not in event.raw


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[]",
        b"5",
        b"null",
        b"<html>",
        b'{"type":5}',
        b'{"type":123456789012345678901234567890}',
        b'{"type":"a\\ndata: made up"}',
        b'{"type":"',
        b'{"type":"ping',
        b'{"type":"\xff"}',
        b'{"type":"\xa0g"}',
        b'{"type":"pi\\ud83dng"}',
        b'{"type":"p\ning"}',
        b'"type"',
    ],
)
def test_what_is_no_event_is_an_error(raw: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        Event.of(raw)


@given(
    kind=st.text(alphabet=st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1),
    fields=st.dictionaries(st.text(), st.text() | st.integers(-9, 9), max_size=3),
)
def test_every_event_is_read_as_json_would_be(kind: str, fields: dict[str, Any]) -> None:
    document = {"type": kind, **{k: v for k, v in fields.items() if k != "type"}}

    event = Event.of(orjson.dumps(document))

    assert (event.kind, event.json) == (kind, document)


@pytest.mark.parametrize(
    ("usage", "one_hour", "expected"),
    [
        ({}, False, Usage()),
        (
            {"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 3},
            False,
            Usage(1, 2, 3),
        ),
        ({"cache_creation_input_tokens": 9}, False, Usage(0, 0, 0, 9, 0)),
        ({"cache_creation_input_tokens": 9}, True, Usage(0, 0, 0, 0, 9)),
        ({"cache_creation_input_tokens": 9, "cache_creation": {}}, True, Usage(0, 0, 0, 0, 9)),
        ({"cache_creation_input_tokens": 9, "cache_creation": None}, False, Usage(0, 0, 0, 9, 0)),
        (
            {
                "cache_creation_input_tokens": 9,
                "cache_creation": {
                    "ephemeral_5m_input_tokens": 4,
                    "ephemeral_1h_input_tokens": 5,
                },
            },
            True,
            Usage(0, 0, 0, 4, 5),
        ),
        (
            {
                "cache_creation_input_tokens": 9,
                "cache_creation": {"ephemeral_5m_input_tokens": 4},
            },
            False,
            Usage(0, 0, 0, 9, 0),
        ),
        (
            {"input_tokens": -1, "output_tokens": "2", "cache_read_input_tokens": 1.5},
            False,
            Usage(),
        ),
        ({"input_tokens": None}, False, Usage()),
    ],
)
def test_usage_is_read_with_what_is_missing_as_nothing(
    usage: dict[str, Any], one_hour: bool, expected: Usage
) -> None:
    assert parse_usage(usage, one_hour_cache=one_hour) == expected


COUNTS = st.integers(0, MOST_TOKENS)


@given(usage=st.builds(Usage, *[COUNTS] * 5), one_hour=st.booleans())
def test_usage_that_is_written_is_read_back(usage: Usage, one_hour: bool) -> None:
    assert parse_usage(usage_json(usage), one_hour_cache=one_hour) == usage


@pytest.mark.parametrize(
    ("open_block", "first"), [(None, "message_delta"), (0, "content_block_stop")]
)
def test_a_message_that_is_ended_early_closes_what_is_open(
    open_block: int | None, first: str
) -> None:
    events = last_events(open_block, Usage(output_tokens=7))

    assert events[0].kind == first
    assert [event.kind for event in events[-2:]] == ["message_delta", "message_stop"]
    assert events[-2].json["delta"]["stop_reason"] == "max_tokens"
    assert events[-2].json["usage"]["output_tokens"] == 7
    assert all(orjson.loads(event.raw) == event.json for event in events)
