"""Content parts of Chat Completions messages as Anthropic blocks."""

from typing import Any, Final

from app.errors import InvalidRequest
from app.translate import shape
from app.translate.blank_text import without_blanks
from app.translate.images import media_type
from app.translate.tool_ids import claude_id
from app.wire import exact
from app.wire.anthropic import JsonObject

TAKEN: Final = "text, image_url and file"


def content_blocks(content: Any, field: str) -> list[JsonObject]:
    """A string or a list of parts. Blank texts are left out: Claude refuses them."""
    parts = shape.blocks(content, f"{field}.content")
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
            return {"type": "text", "text": shape.text(part.get("text"), f"{field}.text")}
        case "refusal":
            return {"type": "text", "text": shape.text(part.get("refusal"), f"{field}.refusal")}
        case "image_url":
            image = shape.object_(part.get("image_url"), f"{field}.image_url")
            kind, data = _data_url(image.get("url"), f"{field}.image_url.url", "image/")
            return _inline("image", kind, data)
        case "file":
            file = shape.object_(part.get("file"), f"{field}.file")
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
    head, comma, data = shape.text(url, field).partition(",")
    known = head.lower()
    if not (known.startswith(f"data:{media}") and known.endswith(";base64") and comma):
        raise InvalidRequest(
            f"{field}: must be a data URL (data:{media}…;base64,…); "
            "the gateway does not fetch addresses"
        )
    return media_type(known.removeprefix("data:").removesuffix(";base64"), data), data


def assistant_blocks(message: JsonObject, field: str) -> list[JsonObject]:
    """What the model thought, said and called: thinking goes first, as it came."""
    thoughts = shape.objects(message.get("thinking_blocks") or [], f"{field}.thinking_blocks")
    said = content_blocks(message["content"], field) if message.get("content") else []
    calls = shape.objects(message.get("tool_calls") or [], f"{field}.tool_calls")
    return (
        list(thoughts)
        + said
        + [_tool_use(call, f"{field}.tool_calls.{index}") for index, call in enumerate(calls)]
    )


def _tool_use(call: JsonObject, field: str) -> JsonObject:
    function = shape.object_(call.get("function"), f"{field}.function")
    arguments = function.get("arguments") or "{}"
    try:
        given = exact.loads(shape.text(arguments, f"{field}.function.arguments"))
    except ValueError as error:
        raise InvalidRequest(f"{field}.function.arguments: is not valid JSON") from error
    return {
        "type": "tool_use",
        "id": claude_id(shape.text(call.get("id"), f"{field}.id")),
        "name": shape.text(function.get("name"), f"{field}.function.name"),
        "input": shape.object_(given, f"{field}.function.arguments"),
    }


def tool_result(message: JsonObject, field: str) -> JsonObject:
    return {
        "type": "tool_result",
        "tool_use_id": claude_id(shape.text(message.get("tool_call_id"), f"{field}.tool_call_id")),
        "content": content_blocks(message.get("content"), field),
    }
