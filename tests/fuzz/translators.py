"""The translators, on requests and answers that hypothesis makes up."""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from typing import Any, Final

import orjson
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from app.catalog.catalog import shipped_models
from app.core import json_fields as shape
from app.core.json_fields import JsonObject
from app.core.usage import Usage
from app.errors import InvalidRequest
from app.formats.anthropic_bedrock import to_bedrock
from app.formats.events import Event
from app.formats.openai_chat import to_messages
from app.formats.openai_chat_response import ChunkWriter, to_completion
from app.local.emulator.validation import check_body
from tests.fuzz.chats import ANSWERS, chats, events_of, said_by
from tests.fuzz.found import Figures, Finding
from tests.unit.formats.requests import BETAS, hostile, requests
from tests.unit.formats.test_properties import CHAT_FIELDS, MESSAGES_FIELDS

MODELS: Final = st.sampled_from(shipped_models())
COUNTS: Final = st.integers(0, 10**7)
USAGES: Final = st.builds(Usage, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)


def messages(data: st.DataObject) -> None:
    """What a client of Anthropic's may well send, Bedrock takes, for each model; unchanged."""
    model = data.draw(MODELS)
    request, betas = data.draw(requests(model)), data.draw(BETAS)
    before = deepcopy(request)

    check_body(to_bedrock(request, betas, model), model)

    assert request == before


def chat(data: st.DataObject) -> None:
    """What a client of OpenAI's may well send, Bedrock takes, with every word that was said."""
    model, request = data.draw(MODELS), data.draw(chats())

    body = to_bedrock(to_messages(request, default_max_tokens=100), (), model)

    check_body(body, model)
    assert said_by(request) <= _strings(body)


def _strings(value: Any) -> set[str]:
    match value:
        case str():
            return {value}
        case list():
            return {found for item in value for found in _strings(item)}
        case dict():
            return {found for item in value.values() for found in _strings(item)}
        case _:
            return set()


def hostile_messages(data: st.DataObject) -> None:
    """JSON that nobody should send is a body or a refusal that says why."""
    _or_refused(data.draw(hostile(*MESSAGES_FIELDS)), data)


def hostile_chat(data: st.DataObject) -> None:
    """The same, by way of OpenAI's shape."""
    body = data.draw(hostile(*CHAT_FIELDS))
    with suppress(InvalidRequest):
        _or_refused(to_messages(body, default_max_tokens=9), data)


def _or_refused(body: JsonObject, data: st.DataObject) -> None:
    with suppress(InvalidRequest):
        shape.encoded(to_bedrock(body, data.draw(BETAS), data.draw(MODELS)))


def answers(data: st.DataObject) -> None:
    """An answer says the same to a client of OpenAI's whole and streamed, and goes back as it
    came."""
    message, usage = data.draw(ANSWERS), data.draw(USAGES)

    whole = to_completion(message, usage, model="m", created=1)
    streamed = _streamed(message, usage)

    reply = whole["choices"][0]["message"]
    assert streamed["content"] == (reply["content"] or "")
    assert streamed["calls"] == [
        (c["id"], c["function"]["name"], json.loads(c["function"]["arguments"]))
        for c in reply.get("tool_calls", [])
    ]
    assert streamed["thoughts"] == reply.get("thinking_blocks", [])
    assert streamed["finish"] == whole["choices"][0]["finish_reason"]
    assert streamed["usage"] == whole["usage"]


def _streamed(message: JsonObject, usage: Usage) -> dict[str, Any]:
    """What a client puts together from the chunks."""
    writer = ChunkWriter(model="m", created=1, include_usage=True)
    raw = b"".join(writer.write(Event.of(orjson.dumps(e))) for e in events_of(message))
    frames = (raw + writer.end(usage)).split(b"\n\n")
    chunks = [orjson.loads(f.removeprefix(b"data: ")) for f in frames if b"{" in f]
    deltas = [c["choices"][0]["delta"] for c in chunks if c["choices"]]
    calls: list[list[str]] = []
    for part in (part for delta in deltas for part in delta.get("tool_calls", [])):
        if "id" in part:
            calls.append([part["id"], part["function"]["name"], ""])
        calls[part["index"]][2] += part["function"]["arguments"]
    return {
        "content": "".join(delta.get("content") or "" for delta in deltas),
        "calls": [(id_, name, json.loads(given)) for id_, name, given in calls],
        "thoughts": [t for delta in deltas for t in delta.get("thinking_blocks", [])],
        "finish": chunks[-2]["choices"][0]["finish_reason"],
        "usage": chunks[-1]["usage"],
    }


PROPERTIES: Final[Mapping[str, Callable[[st.DataObject], None]]] = {
    "messages": messages,
    "chat": chat,
    "hostile messages": hostile_messages,
    "hostile chat": hostile_chat,
    "answers": answers,
}


def fuzz(name: str, cases: int, number: int, *, fixed: bool = False) -> Figures:
    """So many examples of one property; hypothesis makes the one that fails small."""
    made, started = 0, time.monotonic()

    @settings(
        max_examples=cases,
        derandomize=fixed,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def each(data: st.DataObject) -> None:
        nonlocal made
        made += 1
        PROPERTIES[name](data)

    findings: tuple[Finding, ...] = ()
    try:
        (each if fixed else seed(number)(each))()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what was looked for
        notes = "\n".join(getattr(error, "__notes__", []))
        said = f"{name}: {type(error).__name__}: {error}\n{notes}"
        findings = (Finding("translators", b"", said),)
    return Figures("translators", made, time.monotonic() - started, findings)
