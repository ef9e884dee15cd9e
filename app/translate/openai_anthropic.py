"""Chat Completions requests as Anthropic Messages requests."""

from typing import Any, Final

import orjson

from app.errors import InvalidRequest
from app.translate import shape
from app.wire.anthropic import JsonObject

EMPTY_SCHEMA: Final[JsonObject] = {"type": "object", "properties": {}}
SYSTEM_ROLES: Final = frozenset({"system", "developer"})


def to_messages(body: JsonObject, *, default_max_tokens: int) -> JsonObject:
    """The Messages request that asks the same; `body` is not changed.

    Raises InvalidRequest for what Claude cannot do (several choices, log probabilities, audio).
    Parameters that only tune other models' sampling (`seed`, penalties…) are left out.
    """
    _refuse_impossible(body)
    system, messages = _conversation(shape.messages(body))
    if not messages:
        raise InvalidRequest("messages: must hold at least one message of the user")
    limit = body.get("max_completion_tokens") or body.get("max_tokens") or default_max_tokens
    result: JsonObject = {
        "model": body.get("model"),
        "max_tokens": shape.positive_integer(limit, "max_tokens"),
        "messages": messages,
    }
    if system:
        result["system"] = system
    for name in ("temperature", "top_p"):
        if body.get(name) is not None:
            result[name] = body[name]
    if stop := body.get("stop"):
        result["stop_sequences"] = [stop] if isinstance(stop, str) else stop
    if isinstance(body.get("user"), str):
        result["metadata"] = {"user_id": body["user"]}
    result |= _tools(body)
    return result


def _refuse_impossible(body: JsonObject) -> None:
    if body.get("n") not in (None, 1):
        raise InvalidRequest("n: Claude gives one choice; leave it out or set it to 1")
    if body.get("logprobs"):
        raise InvalidRequest("logprobs: Claude gives no log probabilities")
    if "audio" in (body.get("modalities") or ()):
        raise InvalidRequest("modalities: Claude gives text only")


def _tools(body: JsonObject) -> JsonObject:
    choice = body.get("tool_choice")
    if not body.get("tools"):
        return {}
    result: JsonObject = {
        "tools": [
            _tool(tool, f"tools.{index}")
            for index, tool in enumerate(shape.objects(body["tools"], "tools"))
        ]
    }
    wanted: JsonObject = {}
    if choice in ("none", "required"):
        wanted = {"type": "none" if choice == "none" else "any"}
    elif isinstance(choice, dict):
        function = shape.object_(choice.get("function"), "tool_choice.function")
        wanted = {"type": "tool", "name": function.get("name")}
    elif choice not in (None, "auto"):
        raise InvalidRequest("tool_choice: must be auto, none, required or a function")
    if body.get("parallel_tool_calls") is False and choice != "none":
        wanted = {"type": "auto", **wanted, "disable_parallel_tool_use": True}
    if wanted:
        result["tool_choice"] = wanted
    return result


def _tool(tool: JsonObject, field: str) -> JsonObject:
    if tool.get("type") != "function":
        raise InvalidRequest(f"{field}.type: only functions can be called")
    function = shape.object_(tool.get("function"), f"{field}.function")
    result: JsonObject = {
        "name": shape.text(function.get("name"), f"{field}.function.name"),
        "input_schema": function.get("parameters") or EMPTY_SCHEMA,
    }
    if function.get("description"):
        result["description"] = function["description"]
    return result


def _conversation(messages: list[JsonObject]) -> tuple[list[JsonObject], list[JsonObject]]:
    """System blocks, and turns in which each role follows the other."""
    system: list[JsonObject] = []
    turns: list[JsonObject] = []
    for index, message in enumerate(messages):
        field = f"messages.{index}"
        role = message["role"]
        if role in SYSTEM_ROLES:
            system += _parts(message.get("content"), field)
            continue
        speaker, content = _turn(role, message, field)
        if turns and turns[-1]["role"] == speaker:
            turns[-1]["content"] += content
        elif content:
            turns.append({"role": speaker, "content": content})
    return system, turns


def _turn(role: str, message: JsonObject, field: str) -> tuple[str, list[JsonObject]]:
    match role:
        case "user":
            return "user", _parts(message.get("content"), field)
        case "assistant":
            said = _parts(message["content"], field) if message.get("content") else []
            calls = message.get("tool_calls") or []
            return "assistant", said + [
                _tool_use(call, f"{field}.tool_calls.{index}")
                for index, call in enumerate(shape.objects(calls, f"{field}.tool_calls"))
            ]
        case "tool":
            return "user", [
                {
                    "type": "tool_result",
                    "tool_use_id": shape.text(message.get("tool_call_id"), f"{field}.tool_call_id"),
                    "content": _parts(message.get("content"), field),
                }
            ]
        case _:
            raise InvalidRequest(
                f"{field}.role: must be system, developer, user, assistant or tool"
            )


def _tool_use(call: JsonObject, field: str) -> JsonObject:
    function = shape.object_(call.get("function"), f"{field}.function")
    arguments = function.get("arguments") or "{}"
    try:
        given = orjson.loads(shape.text(arguments, f"{field}.function.arguments"))
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"{field}.function.arguments: is not valid JSON") from error
    return {
        "type": "tool_use",
        "id": shape.text(call.get("id"), f"{field}.id"),
        "name": shape.text(function.get("name"), f"{field}.function.name"),
        "input": shape.object_(given, f"{field}.function.arguments"),
    }


def _parts(content: Any, field: str) -> list[JsonObject]:
    """Content as Anthropic blocks. Empty texts are left out: Claude refuses them."""
    result: list[JsonObject] = []
    for index, part in enumerate(shape.blocks(content, f"{field}.content")):
        where = f"{field}.content.{index}"
        match part.get("type"):
            case "text":
                if said := shape.text(part.get("text"), f"{where}.text"):
                    result.append({"type": "text", "text": said})
            case "image_url":
                image = shape.object_(part.get("image_url"), f"{where}.image_url")
                result.append(_image(image.get("url"), f"{where}.image_url.url"))
            case kind:
                raise InvalidRequest(
                    f"{where}.type: {kind!r} is not supported; use text or image_url"
                )
    return result


def _image(url: Any, field: str) -> JsonObject:
    head, comma, data = shape.text(url, field).partition(",")
    if not (head.startswith("data:image/") and head.endswith(";base64") and comma):
        raise InvalidRequest(
            f"{field}: must be a data URL (data:image/png;base64,…); "
            "the gateway does not fetch addresses"
        )
    media_type = head.removeprefix("data:").removesuffix(";base64")
    return {
        "type": "image",
        "source": {"type": "base64", "media_type": media_type, "data": data},
    }
