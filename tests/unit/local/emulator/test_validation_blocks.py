from typing import Any

import pytest

from tests.unit.local.emulator.client import body
from tests.unit.local.emulator.documents import (
    EXTRA,
    HELLO,
    PNG,
    assert_accepted,
    assert_refused,
    assistant,
    mark,
    said,
    source,
    text,
    thought,
    user,
)

REFUSED = [
    # Blocks
    ("haiku-4-5", said(user(text(""))), "text content blocks must be non-empty"),
    ("haiku-4-5", said(user({"text": "x"})), "messages.0.content.0.type: Field required"),
    ("haiku-4-5", said(user(text(colour="x"))), f"messages.0.content.0.text.colour: {EXTRA}"),
    ("haiku-4-5", said(user({"type": "video"})), "messages.0.content.0: Input tag 'video' found"),
    ("haiku-4-5", said(user(thought())), "Input tag 'thinking' found"),
    ("haiku-4-5", said(HELLO, assistant({"type": "image", "source": PNG})), "Input tag 'image'"),
    ("haiku-4-5", source(type="url", url="https://example.com"), "Input tag 'url' found"),
    ("haiku-4-5", source(type="file", file_id="x"), "Input tag 'file' found"),
    ("haiku-4-5", source(**{**PNG, "media_type": "image/tiff"}), "media_type: Input should be"),
    ("haiku-4-5", source(**{**PNG, "data": "%%%"}), "data: Input should be valid base64"),
    ("haiku-4-5", body(system=[{"type": "image", "source": PNG}]), "system.0: Input tag 'image'"),
    (
        "opus-4-8",
        said(HELLO, assistant({"type": "thinking", "thinking": "x"}), HELLO),
        "messages.1.content.0.thinking.signature: Field required",
    ),
    (
        "opus-4-8",
        said(HELLO, assistant(thought("c2lnbmVk")), HELLO),
        "messages.1.content.0: Invalid `signature` in `thinking` block",
    ),
    # The prompt cache
    ("haiku-4-5", said(user(mark(scope="global"))), f"cache_control.ephemeral.scope: {EXTRA}"),
    ("haiku-4-5", said(user(mark(ttl="2h"))), "ephemeral.ttl: Input should be '5m' or '1h'"),
    ("opus-4-1", said(user(mark(ttl="1h"))), f"cache_control.ephemeral.ttl: {EXTRA}"),
    ("haiku-4-5", said(user(*[mark()] * 5)), "A maximum of 4 blocks with cache_control"),
    ("haiku-4-5", said(user(mark(), mark(ttl="1h"))), "must not come after a ttl='5m'"),
]

ACCEPTED = [
    ("haiku-4-5", said(user(mark(ttl="1h"), mark(ttl="5m"), mark()))),
    ("haiku-4-5", said(user({"type": "image", "source": PNG}, text()))),
]


@pytest.mark.parametrize(("name", "document", "message"), REFUSED)
def test_bedrock_refuses_these_blocks(name: str, document: Any, message: str) -> None:
    assert_refused(name, document, message)


@pytest.mark.parametrize(("name", "document"), ACCEPTED)
def test_bedrock_accepts_these_blocks(name: str, document: Any) -> None:
    assert_accepted(name, document)
