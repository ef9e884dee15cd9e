"""Content parts of Chat Completions messages as Anthropic blocks."""

from typing import Any, Final

from app.core import exact_json, json_fields
from app.core.json_fields import JsonObject
from app.errors import InvalidRequest
from app.formats.anthropic_messages import without_blanks
from app.formats.anthropic_thinking import thinking_tokens
from app.formats.normalize import claude_id, media_type
from app.formats.schemas import input_schema

TAKEN: Final = "text, image_url and file"


def content_blocks(content: Any, field: str) -> list[JsonObject]:
    """A string or a list of parts. Blank texts are left out: Claude refuses them."""
    parts = json_fields.blocks(content, f"{field}.content")
    blocks = [_block(part, f"{field}.content.{index}") for index, part in enumerate(parts)]
    return without_blanks(blocks)


def marked(block: JsonObject, mark: Any) -> JsonObject:
    """The block with the cache mark that clients of LiteLLM and others put on OpenAI's shapes."""
    return {**block, "cache_control": mark} if isinstance(mark, dict) else block


def _block(part: JsonObject, field: str) -> JsonObject:
    return marked(_unmarked(part, field), part.get("cache_control"))


def _unmarked(part: JsonObject, field: str) -> JsonObject:
    match part.get("type"):
        case "text":
            return {"type": "text", "text": json_fields.text(part.get("text"), f"{field}.text")}
        case "refusal":
            return {
                "type": "text",
                "text": json_fields.text(part.get("refusal"), f"{field}.refusal"),
            }
        case "image_url":
            image = json_fields.object_(part.get("image_url"), f"{field}.image_url")
            kind, data = _data_url(image.get("url"), f"{field}.image_url.url", "image/")
            return _inline("image", kind, data)
        case "file":
            file = json_fields.object_(part.get("file"), f"{field}.file")
            name = f"{field}.file.file_data"
            kind, data = _data_url(file.get("file_data"), name, "application/pdf")
            document = _inline("document", kind, data)
            return document | ({"title": file["filename"]} if file.get("filename") else {})
        case kind:
            raise InvalidRequest(f"{field}.type: {kind!r} is not taken; {TAKEN} are")


def _inline(block: str, kind: str, data: str) -> JsonObject:
    return {"type": block, "source": {"type": "base64", "media_type": kind, "data": data}}


def _data_url(url: Any, field: str, media: str) -> tuple[str, str]:
    """Media type and base64 data. Raises InvalidRequest for an address: nothing is fetched."""
    head, comma, data = json_fields.text(url, field).partition(",")
    known = head.lower()
    if not (known.startswith(f"data:{media}") and known.endswith(";base64") and comma):
        raise InvalidRequest(
            f"{field}: must be a data URL (data:{media}…;base64,…); "
            "the gateway does not fetch addresses"
        )
    return media_type(known.removeprefix("data:").removesuffix(";base64"), data), data


def assistant_blocks(message: JsonObject, field: str) -> list[JsonObject]:
    """What the model thought, said and called: thinking goes first, as it came."""
    thoughts = json_fields.objects(message.get("thinking_blocks") or [], f"{field}.thinking_blocks")
    said = content_blocks(message["content"], field) if message.get("content") else []
    calls = json_fields.objects(message.get("tool_calls") or [], f"{field}.tool_calls")
    return (
        list(thoughts)
        + said
        + [_tool_use(call, f"{field}.tool_calls.{index}") for index, call in enumerate(calls)]
    )


def _tool_use(call: JsonObject, field: str) -> JsonObject:
    function = json_fields.object_(call.get("function"), f"{field}.function")
    arguments = function.get("arguments") or "{}"
    try:
        given = exact_json.loads(json_fields.text(arguments, f"{field}.function.arguments"))
    except ValueError as error:
        raise InvalidRequest(f"{field}.function.arguments: is not valid JSON") from error
    return {
        "type": "tool_use",
        "id": claude_id(json_fields.text(call.get("id"), f"{field}.id")),
        "name": json_fields.text(function.get("name"), f"{field}.function.name"),
        "input": json_fields.object_(given, f"{field}.function.arguments"),
    }


def tool_result(message: JsonObject, field: str) -> JsonObject:
    return {
        "type": "tool_result",
        "tool_use_id": claude_id(
            json_fields.text(message.get("tool_call_id"), f"{field}.tool_call_id")
        ),
        "content": content_blocks(message.get("content"), field),
    }


def conversation(messages: list[JsonObject]) -> tuple[list[JsonObject], list[JsonObject]]:
    """System blocks, and turns in which each role follows the other."""
    system: list[JsonObject] = []
    turns: list[JsonObject] = []
    for index, message in enumerate(messages):
        field = f"messages.{index}"
        role, content = _turn(message, field)
        content = _with_mark(content, message.get("cache_control"))
        if role == "system":
            system += content
        elif turns and turns[-1]["role"] == role:
            turns[-1]["content"] += content
        elif content:
            turns.append({"role": role, "content": content})
    for turn in turns:
        turn["content"] = _results_first(turn["content"])
    return system, turns


def _turn(message: JsonObject, field: str) -> tuple[str, list[JsonObject]]:
    match message["role"]:
        case "system" | "developer":
            return "system", content_blocks(message.get("content"), field)
        case "user":
            return "user", content_blocks(message.get("content"), field)
        case "assistant":
            return "assistant", assistant_blocks(message, field)
        case "tool":
            return "user", [tool_result(message, field)]
        case _:
            raise InvalidRequest(
                f"{field}.role: must be system, developer, user, assistant or tool"
            )


def _with_mark(content: list[JsonObject], mark: Any) -> list[JsonObject]:
    """A message's own cache mark is one of its last block."""
    if not content or "cache_control" in content[-1]:
        return content
    return [*content[:-1], marked(content[-1], mark)]


def _results_first(content: list[JsonObject]) -> list[JsonObject]:
    """Claude wants the results of its calls before anything else of the turn."""
    return sorted(content, key=lambda block: block["type"] != "tool_result")


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
    system, messages = conversation(json_fields.messages(body))
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
    result["max_tokens"] = json_fields.positive_integer(limit, "max_tokens")
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
        result["thinking"] = json_fields.object_(body["thinking"], "thinking")
    return result | ({"output_config": output} if output else {})


def _response_format(asked: Any, system: list[JsonObject]) -> JsonObject:
    """The output configuration; `json_object` becomes an instruction, added to `system`."""
    if asked is None:
        return {}
    match json_fields.object_(asked, "response_format").get("type"):
        case "text":
            return {}
        case "json_object":
            system.append({"type": "text", "text": ANY_JSON})
            return {}
        case "json_schema":
            named = json_fields.object_(asked.get("json_schema"), "response_format.json_schema")
            schema = json_fields.object_(named.get("schema"), "response_format.json_schema.schema")
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
            for index, tool in enumerate(json_fields.objects(body["tools"], "tools"))
        ]
    }
    wanted: JsonObject = {}
    if choice in ("none", "required"):
        wanted = {"type": "none" if choice == "none" else "any"}
    elif isinstance(choice, dict):
        function = json_fields.object_(choice.get("function"), "tool_choice.function")
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
    function = json_fields.object_(tool.get("function"), f"{field}.function")
    result: JsonObject = {
        "name": json_fields.text(function.get("name"), f"{field}.function.name"),
        "input_schema": _input_schema(function.get("parameters"), f"{field}.function.parameters"),
    }
    if function.get("description"):
        result["description"] = function["description"]
    return marked(result, tool.get("cache_control") or function.get("cache_control"))


def _input_schema(parameters: Any, field: str) -> JsonObject:
    return (
        input_schema(json_fields.object_(parameters, field), field) if parameters else EMPTY_SCHEMA
    )
