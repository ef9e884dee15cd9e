"""Learning from Bedrock's refusals what a model does not take."""

from typing import Any

import pytest

from app.errors import GatewayError, UpstreamRejected, UpstreamThrottled
from app.service.omissions import (
    REMEMBERED_SECONDS,
    Omission,
    Omissions,
    omission_for,
    without,
)


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("invalid beta flag", Omission(beta="*")),
        ("invalid beta flag: effort-2025-11-24", Omission(beta="effort-2025-11-24")),
        ("metadata: Extra inputs are not permitted", Omission(path=("metadata",))),
        ("#/: extraneous key [tool_choice] is not permitted", Omission(path=("tool_choice",))),
        (
            "tools.3.custom.defer_loading: Extra inputs are not permitted",
            Omission(path=("tools", "custom", "defer_loading")),
        ),
        (
            "messages.0.content.11.tool_result.foo: Extra inputs are not permitted",
            Omission(path=("messages", "content", "tool_result", "foo")),
        ),
        ("messages: Extra inputs are not permitted", None),
        ("safeguards: Extra inputs are not permitted", None),
        ("max_tokens: Extra inputs are not permitted", None),
        ("messages.0.role: Input should be 'user'", None),
        ("prompt is too long: 300000 tokens > 200000 maximum", None),
    ],
)
def test_a_refusal_names_what_to_leave_out(message: str, expected: Omission | None) -> None:
    assert omission_for(UpstreamRejected(message)) == expected


@pytest.mark.parametrize("error", [UpstreamThrottled("metadata: Extra inputs are not permitted")])
def test_other_errors_name_nothing(error: GatewayError) -> None:
    assert omission_for(error) is None


@pytest.mark.parametrize(
    ("omission", "body", "expected"),
    [
        (Omission(beta="a"), {"anthropic_beta": ["a", "b"]}, {"anthropic_beta": ["b"]}),
        (Omission(beta="*"), {"anthropic_beta": ["a", "b"], "x": 1}, {"x": 1}),
        (Omission(path=("x",)), {"x": 1, "y": 2}, {"y": 2}),
        (
            Omission(path=("tools", "custom", "strict")),
            {"tools": [{"name": "a", "strict": True}, {"type": "bash_1", "strict": True}]},
            {"tools": [{"name": "a"}, {"type": "bash_1", "strict": True}]},
        ),
        (
            Omission(path=("messages", "content", "tool_result", "text")),
            {"messages": [{"content": [{"type": "text", "text": "t"}]}, {"content": "plain"}]},
            {"messages": [{"content": [{"type": "text", "text": "t"}]}, {"content": "plain"}]},
        ),
        (
            Omission(path=("thinking", "adaptive", "budget_tokens")),
            {"thinking": {"type": "enabled", "budget_tokens": 5}},
            {"thinking": {"type": "enabled", "budget_tokens": 5}},
        ),
    ],
)
def test_only_what_is_named_is_left_out(
    omission: Omission, body: dict[str, Any], expected: dict[str, Any]
) -> None:
    before = repr(body)

    assert without(body, omission) == expected
    assert repr(body) == before
    if body == expected:
        assert without(body, omission) is body


def test_what_was_learnt_is_left_out_for_that_model_for_a_while() -> None:
    clock = Clock()
    omissions = Omissions(clock)
    omissions.learn("one", Omission(path=("metadata",)))
    body = {"metadata": {}, "max_tokens": 1}

    assert omissions.apply("one", body) == {"max_tokens": 1}
    assert omissions.apply("two", body) is body

    clock.seconds = REMEMBERED_SECONDS
    assert omissions.apply("one", body) is body


def test_what_is_learnt_is_told_to_the_operator(caplog: pytest.LogCaptureFixture) -> None:
    Omissions(Clock()).learn("one", Omission(beta="effort-2025-11-24"))

    (record,) = caplog.records
    assert vars(record)["model"] == "one"
    assert vars(record)["omission"] == "beta effort-2025-11-24"
