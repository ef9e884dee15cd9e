"""The bodies that clients send, for the OpenAPI document: what is most used of each API. More may
be sent: what Claude on Bedrock knows is passed on, the rest is left out."""

from typing import Any, Final

Schema = dict[str, Any]

_TEXT: Final[Schema] = {"type": "string"}

_LIST_OF_OBJECTS: Final[Schema] = {"type": "array", "items": {"type": "object"}}

_COUNT: Final[Schema] = {"type": "integer", "minimum": 1}

_SHARE: Final[Schema] = {"type": "number", "minimum": 0, "maximum": 1}

_MODEL: Final[Schema] = {"type": "string", "examples": ["claude-haiku-4-5", "claude-sonnet-5-5"]}


def _body(required: tuple[str, ...], **properties: Schema) -> Schema:
    return {"type": "object", "required": list(required), "properties": properties}


def _messages(*roles: str, **fields: Schema) -> Schema:
    content = {"anyOf": [_TEXT, _BLOCKS]}
    message = _body(("role", "content"), role={"enum": list(roles)}, content=content, **fields)
    return {"type": "array", "minItems": 1, "items": message}


_BLOCKS: Final[Schema] = {
    "type": "array",
    "items": {
        "anyOf": [
            _body(("type", "text"), type={"const": "text"}, text=_TEXT),
            _body(("type",), type=_TEXT),
        ]
    },
}

_SHARED: Final[dict[str, Schema]] = {
    "messages": _messages("user", "assistant", "system"),
    "system": {"anyOf": [_TEXT, _BLOCKS]},
    "max_tokens": _COUNT,
    "temperature": _SHARE,
    "top_p": _SHARE,
    "stop_sequences": {"type": "array", "items": _TEXT},
    "tools": {
        "type": "array",
        "items": _body(("name",), name=_TEXT, description=_TEXT, input_schema={"type": "object"}),
    },
    "tool_choice": _body(("type",), type={"enum": ["auto", "any", "tool", "none"]}, name=_TEXT),
    "thinking": _body(
        ("type",), type={"enum": ["enabled", "adaptive", "disabled"]}, budget_tokens=_COUNT
    ),
    "output_config": {"type": "object"},
    "context_management": {"type": "object"},
}

MESSAGES: Final = _body(
    ("model", "max_tokens", "messages"),
    model=_MODEL,
    stream={"type": "boolean"},
    metadata=_body((), user_id=_TEXT),
    cache_control={"type": "object"},
    **_SHARED,
)

COUNT_TOKENS: Final = _body(("model", "messages"), model=_MODEL, **_SHARED)

CHAT_COMPLETIONS: Final = _body(
    ("model", "messages"),
    model=_MODEL,
    messages=_messages(
        "system",
        "developer",
        "user",
        "assistant",
        "tool",
        tool_calls=_LIST_OF_OBJECTS,
        tool_call_id=_TEXT,
    ),
    max_tokens=_COUNT,
    max_completion_tokens=_COUNT,
    stream={"type": "boolean"},
    stream_options=_body((), include_usage={"type": "boolean"}),
    temperature={"type": "number", "minimum": 0, "maximum": 2},
    top_p=_SHARE,
    n={"const": 1},
    stop={"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]},
    tools={
        "type": "array",
        "items": _body(
            ("type", "function"),
            type={"const": "function"},
            function=_body(("name",), name=_TEXT, parameters={"type": "object"}),
        ),
    },
    tool_choice={"anyOf": [{"enum": ["auto", "none", "required"]}, {"type": "object"}]},
    parallel_tool_calls={"type": "boolean"},
    response_format=_body(("type",), type={"enum": ["text", "json_object", "json_schema"]}),
    reasoning_effort={"enum": ["none", "minimal", "low", "medium", "high", "xhigh", "max"]},
    user=_TEXT,
)

INVOKE_MODEL: Final = _body(
    ("max_tokens", "messages"),
    anthropic_version={"const": "bedrock-2023-05-31"},
    anthropic_beta={"type": "array", "items": _TEXT},
    **_SHARED,
)

COUNT_OF_INVOKE_MODEL: Final = _body(
    ("input",), input=_body(("invokeModel",), invokeModel=_body(("body",), body=_TEXT))
)
