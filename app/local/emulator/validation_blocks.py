"""Content blocks: their fields by kind, their sources, and the marks of the prompt cache."""

import base64
import binascii
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.catalog.model import Capabilities
from app.local.emulator import compaction
from app.local.emulator.faults import invalid
from app.local.emulator.shapes import (
    JsonObject,
    boolean,
    closed,
    mapping,
    one_of,
    sequence,
    string,
    tagged,
)
from app.local.emulator.thought import is_signed

ID = "[a-zA-Z0-9_-]+"
MOST_BREAKPOINTS = 4
IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
IMAGE_STARTS: Mapping[str, bytes | tuple[bytes, ...]] = {
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG",
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": b"RIFF",
}
FIELDS: Mapping[str, tuple[str, ...]] = {
    "text": ("type", "text", "cache_control", "citations"),
    "image": ("type", "source", "cache_control"),
    "document": ("type", "source", "title", "context", "citations", "cache_control"),
    "thinking": ("type", "thinking", "signature"),
    "redacted_thinking": ("type", "data"),
    "tool_use": ("type", "id", "name", "input", "cache_control"),
    "tool_result": ("type", "tool_use_id", "content", "is_error", "cache_control"),
    "tool_reference": ("type", "tool_name", "cache_control"),
    "compaction": (
        "type",
        "content",
        "encrypted_content",
        "signature",
        "tool_changes",
        "cache_control",
    ),
}
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "text": ("text",),
    "image": ("source",),
    "document": ("source",),
    "thinking": ("thinking", "signature"),
    "redacted_thinking": ("data",),
    "tool_use": ("id", "name", "input"),
    "tool_result": ("tool_use_id",),
    "tool_reference": ("tool_name",),
    "compaction": (),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What the model can do, and what the request switched on."""

    can: Capabilities
    betas: frozenset[str]


def check_text_blocks(blocks: Sequence[object], path: str, limits: Limits) -> None:
    """Checks a list that may hold text alone."""
    for index, block in enumerate(blocks):
        check_block(block, f"{path}.{index}", ("text",), limits)


def check_block(value: object, path: str, kinds: Collection[str], limits: Limits) -> None:
    """Checks one block, which must be of one of `kinds`."""
    kind, block = tagged(value, path, kinds)
    inner = f"{path}.{kind}"
    closed(block, inner, FIELDS[kind], REQUIRED[kind])
    check_cache_control(block, inner, limits)
    if kind == "text":
        check_text(string(block["text"], f"{inner}.text"))
    elif kind in ("image", "document"):
        _check_source(kind, block["source"], f"{inner}.source")
    elif kind == "compaction":
        compaction.check_block(block, inner)
    elif kind == "tool_result":
        _check_result(block, inner, limits)
    else:
        _check_strings(kind, block, path)


def check_text(text: str) -> None:
    """Raises `BedrockFault` (400) for a text without a visible character."""
    if not text:
        raise invalid("messages: text content blocks must be non-empty")
    if not text.strip():
        raise invalid("messages: text content blocks must contain non-whitespace text")


def _check_strings(kind: str, block: JsonObject, path: str) -> None:
    inner = f"{path}.{kind}"
    if kind == "tool_use":
        string(block["id"], f"{inner}.id", ID)
        string(block["name"], f"{inner}.name", "[a-zA-Z0-9_-]{1,200}")
        mapping(block["input"], f"{inner}.input")
        return
    for field in REQUIRED[kind]:
        string(block[field], f"{inner}.{field}")
    if kind == "thinking" and not is_signed(block["signature"]):
        raise invalid(f"{path}: Invalid `signature` in `thinking` block")


def _check_result(block: JsonObject, path: str, limits: Limits) -> None:
    string(block["tool_use_id"], f"{path}.tool_use_id", ID)
    boolean(block.get("is_error", False), f"{path}.is_error")
    content = block.get("content", "")
    if not content and block.get("is_error"):
        raise invalid(f"{path}: content cannot be empty if `is_error` is true")
    if isinstance(content, str):
        if content:
            check_text(content)
        return
    references = ("tool_reference",) if limits.can.tool_search else ()
    for index, item in enumerate(sequence(content, f"{path}.content")):
        check_block(
            item, f"{path}.content.{index}", ("text", "image", "document", *references), limits
        )


def _check_source(kind: str, value: object, path: str) -> None:
    tags = ("base64",) if kind == "image" else ("base64", "text", "content")
    tag, source = tagged(value, path, tags)
    inner = f"{path}.{tag}"
    if tag == "content":
        closed(source, inner, ("type", "content"), ("content",))
        return
    closed(source, inner, ("type", "media_type", "data"), ("media_type", "data"))
    types = {"text": ("text/plain",), "base64": IMAGES if kind == "image" else ("application/pdf",)}
    one_of(source["media_type"], f"{inner}.media_type", types[tag])
    data = string(source["data"], f"{inner}.data")
    if tag == "base64":
        try:
            raw = base64.b64decode(data, validate=True)
        except binascii.Error:
            raise invalid(f"{inner}.data: Input should be valid base64") from None
        _check_media_type(source["media_type"], raw, path)


def _check_media_type(said: str, raw: bytes, path: str) -> None:
    seen = next((kind for kind, start in IMAGE_STARTS.items() if raw.startswith(start)), said)
    if seen != said:
        raise invalid(
            f"{path}: The image was specified using the {said} media type, but the image appears "
            f"to be a {seen} image"
        )


def check_cache_control(holder: JsonObject, path: str, limits: Limits) -> None:
    """Checks the block's mark; an absent one and null are fine."""
    if holder.get("cache_control") is None:
        return
    path = f"{path}.cache_control"
    _, mark = tagged(holder["cache_control"], path, ("ephemeral",))
    allowed = ("type", "ttl") if limits.can.cache_ttl else ("type",)
    closed(mark, f"{path}.ephemeral", allowed)
    if "ttl" in mark:
        one_of(mark["ttl"], f"{path}.ephemeral.ttl", ("5m", "1h"))


def check_breakpoints(body: JsonObject) -> None:
    """No more than four marks, and none of an hour after one of five minutes."""
    lifetimes = [mark.get("ttl", "5m") for mark in _marks(body)]
    if len(lifetimes) > MOST_BREAKPOINTS:
        raise invalid(
            f"A maximum of {MOST_BREAKPOINTS} blocks with cache_control may be provided. "
            f"Found {len(lifetimes)}."
        )
    if "5m" in lifetimes and "1h" in lifetimes[lifetimes.index("5m") :]:
        raise invalid(
            "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. "
            "Note that blocks are processed in the following order: `tools`, `system`, `messages`."
        )


def _marks(body: JsonObject) -> Iterator[JsonObject]:
    for holder in _holders(body):
        if holder.get("cache_control"):
            yield holder["cache_control"]
        if isinstance(holder.get("content"), list):
            yield from (i["cache_control"] for i in holder["content"] if i.get("cache_control"))


def _holders(body: JsonObject) -> Iterator[JsonObject]:
    yield from body.get("tools", ())
    if isinstance(body.get("system"), list):
        yield from body["system"]
    for message in body["messages"]:
        if isinstance(message["content"], list):
            yield from message["content"]
