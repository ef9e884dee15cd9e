"""Chat Completions requests as Anthropic Messages requests."""

from typing import Any, Final

from app.errors import InvalidRequest
from app.translate import shape
from app.translate.anthropic_thinking import thinking_tokens
from app.translate.openai_content import marked
from app.translate.openai_conversation import conversation
from app.translate.tool_schema import input_schema
from app.wire.anthropic import JsonObject

EMPTY_SCHEMA: Final[JsonObject] = {"type": "object", "properties": {}}

ANY_JSON: Final = "Answer with one JSON object and nothing else: no prose, no code fence."
"""What `response_format: json_object` asks for; Claude has no switch for it."""

EFFORTS: Final = {"minimal": "low"} | {
    effort: effort for effort in ("low", "medium", "high", "xhigh", "max")
}

LIMITS: Final = ("max_completion_tokens", "max_tokens")
"""Names of the limit, the newer one first."""

IMPOSSIBLE: Final = {
    "logprobs": "Claude gives no log probabilities",
    "functions": "use tools",
    "function_call": "use tool_choice",
    "audio": "Claude gives text only",
}


def to_messages(
    body: JsonObject, *, default_max_tokens: int, most_tokens: int | None = None
) -> JsonObject:
    """The Messages request that asks the same; `body` is not changed.

    Args:
        body: The Chat Completions request.
        default_max_tokens: For the answer, where the client names no limit; thinking comes on top.
        most_tokens: What the model can write at most.

    Raises InvalidRequest for what Claude cannot do. Parameters that only tune how other models
    sample (`seed`, penalties, `logit_bias`…) or how OpenAI serves (`store`, `service_tier`…) are
    left out.
    """
    _refuse_impossible(body)
    system, messages = conversation(shape.messages(body))
    if not messages:
        raise InvalidRequest("messages: must hold at least one message of the user")
    result: JsonObject = {"model": body.get("model"), "max_tokens": 0, "messages": messages}
    output = _response_format(body.get("response_format"), system)
    if system:
        result["system"] = system
    result |= _sampling(body) | _reasoning(body, output) | _tools(body)
    limit = next((body[name] for name in LIMITS if body.get(name) is not None), None)
    if limit is None:
        limit = default_max_tokens + thinking_tokens(result)
        limit = limit if most_tokens is None else min(limit, most_tokens)
    result["max_tokens"] = shape.positive_integer(limit, "max_tokens")
    if stops := _stop_sequences(body.get("stop")):
        result["stop_sequences"] = stops
    if isinstance(body.get("user"), str):
        result["metadata"] = {"user_id": body["user"]}
    return result


def _refuse_impossible(body: JsonObject) -> None:
    if body.get("n") not in (None, 1):
        raise InvalidRequest("n: Claude gives one choice; leave it out or set it to 1")
    for name, reason in IMPOSSIBLE.items():
        if body.get(name):
            raise InvalidRequest(f"{name}: {reason}")
    modalities = body.get("modalities") or ["text"]
    if modalities != ["text"]:
        raise InvalidRequest("modalities: Claude gives text only")


def _sampling(body: JsonObject) -> JsonObject:
    """Claude's temperature ends at 1, and it takes one of the two."""
    temperature, top_p = body.get("temperature"), body.get("top_p")
    if isinstance(temperature, int | float):
        return {"temperature": min(temperature, 1)}
    return {} if top_p is None else {"top_p": top_p}


def _stop_sequences(stop: Any) -> list[str]:
    """Claude refuses blank ones, which OpenAI takes: they are left out."""
    given = [stop] if isinstance(stop, str) else stop or []
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise InvalidRequest("stop: must be a string or a list of strings")
    return [one for one in given if one.strip()]


def _reasoning(body: JsonObject, output: JsonObject) -> JsonObject:
    """Effort means thinking too, for a model that can: the model's own rules come later.
    Anthropic's own `thinking` goes before it."""
    effort = body.get("reasoning_effort")
    result: JsonObject = {}
    if effort == "none":
        result["thinking"] = {"type": "disabled"}
    elif effort is not None:
        if not isinstance(effort, str) or effort not in EFFORTS:
            raise InvalidRequest(f"reasoning_effort: must be none, {', '.join(EFFORTS)}")
        result["thinking"] = {"type": "adaptive"}
        output = output | {"effort": EFFORTS[effort]}
    if body.get("thinking") is not None:
        result["thinking"] = shape.object_(body["thinking"], "thinking")
    return result | ({"output_config": output} if output else {})


def _response_format(asked: Any, system: list[JsonObject]) -> JsonObject:
    """The output configuration; `json_object` becomes an instruction, added to `system`."""
    if asked is None:
        return {}
    match shape.object_(asked, "response_format").get("type"):
        case "text":
            return {}
        case "json_object":
            system.append({"type": "text", "text": ANY_JSON})
            return {}
        case "json_schema":
            named = shape.object_(asked.get("json_schema"), "response_format.json_schema")
            schema = shape.object_(named.get("schema"), "response_format.json_schema.schema")
            return {"format": {"type": "json_schema", "schema": schema}}
        case _:
            raise InvalidRequest("response_format.type: must be text, json_object or json_schema")


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
        "input_schema": _input_schema(function.get("parameters"), f"{field}.function.parameters"),
    }
    if function.get("description"):
        result["description"] = function["description"]
    return marked(result, tool.get("cache_control") or function.get("cache_control"))


def _input_schema(parameters: Any, field: str) -> JsonObject:
    return input_schema(shape.object_(parameters, field), field) if parameters else EMPTY_SCHEMA
