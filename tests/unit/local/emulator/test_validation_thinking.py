from typing import Any

import pytest

from tests.unit.local.emulator.client import body
from tests.unit.local.emulator.documents import (
    ADAPTIVE,
    ENABLED,
    EXTRA,
    assert_accepted,
    assert_refused,
)

REFUSED = [
    ("3-5-haiku", body(thinking=ENABLED), '"thinking.type.enabled" is not supported'),
    ("haiku-4-5", body(thinking=ADAPTIVE), "adaptive thinking is not supported"),
    ("opus-4-7", body(thinking=ENABLED), 'Use "thinking.type.adaptive"'),
    ("fable-5", body(thinking={"type": "disabled"}), '"thinking.type.disabled" is not supported'),
    ("opus-5-5", body(thinking={"type": "disabled"}), '"thinking.type.disabled" is not supported'),
    ("sonnet-5-5", body(thinking={"type": "disabled"}), '"thinking.type.disabled" is not supp'),
    ("haiku-4-5", body(thinking={"type": "auto"}), "Input tag 'auto' found using 'type'"),
    ("haiku-4-5", body(thinking={"type": "enabled"}), "budget_tokens: Field required"),
    (
        "haiku-4-5",
        body(thinking={"type": "enabled", "budget_tokens": 1023}),
        "Input should be greater than or equal to 1024",
    ),
    (
        "haiku-4-5",
        body(thinking=ENABLED, max_tokens=1024),
        "`max_tokens` must be greater than `thinking.budget_tokens`",
    ),
    (
        "haiku-4-5",
        body(thinking={**ENABLED, "display": "omitted"}),
        f"thinking.enabled.display: {EXTRA}",
    ),
    ("opus-4-6", body(thinking={**ADAPTIVE, "display": "omitted"}), f"display: {EXTRA}"),
    (
        "opus-4-8",
        body(thinking={**ADAPTIVE, "display": "updates"}),
        "thinking.adaptive.display: Input should be 'summarized' or 'omitted'",
    ),
]

ACCEPTED = [
    ("haiku-4-5", body(thinking=ENABLED, temperature=1)),
    ("haiku-4-5", body(thinking={"type": "disabled"})),
    ("opus-4-6", body(thinking=ENABLED)),
    ("opus-4-6", body(thinking=ADAPTIVE, output_config={"effort": "max"})),
    ("opus-4-7", body(thinking={**ADAPTIVE, "display": "omitted"})),
    ("opus-5-5", body(thinking=ADAPTIVE, output_config={"effort": "xhigh"})),
    (
        "opus-5-5",
        body(
            thinking={**ADAPTIVE, "display": "updates"},
            anthropic_beta=["thinking-display-updates-2026-08-18"],
        ),
    ),
]


@pytest.mark.parametrize(("name", "document", "message"), REFUSED)
def test_bedrock_refuses_this_thinking(name: str, document: Any, message: str) -> None:
    assert_refused(name, document, message)


@pytest.mark.parametrize(("name", "document"), ACCEPTED)
def test_bedrock_accepts_this_thinking(name: str, document: Any) -> None:
    assert_accepted(name, document)
