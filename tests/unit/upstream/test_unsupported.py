"""Learning from Bedrock's refusals what a model does not take."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.ids import KeyId
from app.errors import GatewayError, UpstreamRejected, UpstreamThrottled
from app.upstream import unsupported as module
from app.upstream.unsupported import (
    COMMON_AFTER_KEYS,
    NEEDED,
    OMISSIONS_PER_KEY,
    REMEMBERED_SECONDS,
    UnsupportedParam,
    UnsupportedParams,
    omission_for,
    without,
)

MALFORMED = "Malformed input request: "


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("invalid beta flag", UnsupportedParam(beta="*")),
        ("invalid beta flag: effort-2025-11-24", UnsupportedParam(beta="effort-2025-11-24")),
        ("metadata: Extra inputs are not permitted", UnsupportedParam(path=("metadata",))),
        ("#/: extraneous key [metadata] is not permitted", UnsupportedParam(path=("metadata",))),
        ("#: extraneous key [metadata] is not permitted", UnsupportedParam(path=("metadata",))),
        (
            MALFORMED + "#/tools/0: extraneous key [strict] is not permitted",
            UnsupportedParam(path=("tools", "strict")),
        ),
        (
            "tools.3.custom.defer_loading: Extra inputs are not permitted",
            UnsupportedParam(path=("tools", "custom", "defer_loading")),
        ),
        (
            "messages.0.content.11.tool_result.foo: Extra inputs are not permitted",
            UnsupportedParam(path=("messages", "content", "tool_result", "foo")),
        ),
        ("messages: Extra inputs are not permitted", None),
        ("#/: extraneous key [tool_choice] is not permitted", None),
        ("tool_choice: Extra inputs are not permitted", None),
        ("system: Extra inputs are not permitted", None),
        ("tools: Extra inputs are not permitted", None),
        ("thinking: Extra inputs are not permitted", None),
        ("an_invention: Extra inputs are not permitted", None),
        ("messages.content: Extra inputs are not permitted", None),
        ("messages.0.content.0.text.cache_control: Extra inputs are not permitted", None),
        ("tools.0.custom.description: Extra inputs are not permitted", None),
        ("tools.0.custom.input_schema: Extra inputs are not permitted", None),
        ("output_config.format: Extra inputs are not permitted", None),
        ("thinking.enabled.budget_tokens: Extra inputs are not permitted", None),
        # What a client sent, quoted in an error about something else.
        ("messages.0: Input tag 'system: Extra inputs are not permitted' found", None),
        ("Input tag 'x\nmetadata: Extra inputs are not permitted\ny' found using 'type'", None),
        ("Input tag 'extraneous key [metadata] is not permitted' found", None),
        ("Input tag 'invalid beta flag: effort-2025-11-24' found using 'type'", None),
        ("safeguards: Extra inputs are not permitted", None),
        ("max_tokens: Extra inputs are not permitted", None),
        ("messages.0.role: Input should be 'user'", None),
        ("prompt is too long: 300000 tokens > 200000 maximum", None),
    ],
)
def test_a_refusal_names_what_to_leave_out(message: str, expected: UnsupportedParam | None) -> None:
    assert omission_for(UpstreamRejected(message)) == expected


QUOTING = (
    "messages.0.content.0: Input tag '{}' found using 'type' does not match any expected tag",
    "{}: Extra inputs are not permitted",
    "tools.0.custom.{}: Extra inputs are not permitted",
    "messages.0.content.0.{}.cache_control.scope: Extra inputs are not permitted",
    "#/messages: extraneous key [{}] is not permitted",
    "model: String should match pattern, not '{}'",
)
QUOTED = st.one_of(
    st.text(max_size=40),
    st.sampled_from(sorted(NEEDED | {"system", "tools", "messages", "tool_choice", "max_tokens"})),
    st.builds(
        "{}: Extra inputs are not permitted{}".format,
        st.sampled_from(["system", "tools", "messages.content", "thinking"]),
        st.sampled_from(["", "\n", "'", "\nx"]),
    ),
)
VICTIM = {
    "system": "You are terse.",
    "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}],
    "tools": [{"name": "a", "description": "b", "input_schema": {"type": "object"}}],
    "tool_choice": {"type": "auto"},
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "max_tokens": 2048,
}


@given(st.sampled_from(QUOTING), QUOTED)
def test_no_error_whatever_it_quotes_takes_anything_needed_from_a_request(
    error: str, quoted: str
) -> None:
    omission = omission_for(UpstreamRejected(error.format(quoted)))

    if omission is not None:
        assert without(VICTIM, omission) is VICTIM


@pytest.mark.parametrize("error", [UpstreamThrottled("metadata: Extra inputs are not permitted")])
def test_other_errors_name_nothing(error: GatewayError) -> None:
    assert omission_for(error) is None


@pytest.mark.parametrize(
    ("omission", "body", "expected"),
    [
        (UnsupportedParam(beta="a"), {"anthropic_beta": ["a", "b"]}, {"anthropic_beta": ["b"]}),
        (UnsupportedParam(beta="*"), {"anthropic_beta": ["a", "b"], "x": 1}, {"x": 1}),
        (UnsupportedParam(path=("x",)), {"x": 1, "y": 2}, {"y": 2}),
        (
            UnsupportedParam(path=("tools", "custom", "strict")),
            {"tools": [{"name": "a", "strict": True}, {"type": "bash_1", "strict": True}]},
            {"tools": [{"name": "a"}, {"type": "bash_1", "strict": True}]},
        ),
        (
            UnsupportedParam(path=("messages", "content", "tool_result", "text")),
            {"messages": [{"content": [{"type": "text", "text": "t"}]}, {"content": "plain"}]},
            {"messages": [{"content": [{"type": "text", "text": "t"}]}, {"content": "plain"}]},
        ),
        (
            UnsupportedParam(path=("thinking", "adaptive", "budget_tokens")),
            {"thinking": {"type": "enabled", "budget_tokens": 5}},
            {"thinking": {"type": "enabled", "budget_tokens": 5}},
        ),
    ],
)
def test_only_what_is_named_is_left_out(
    omission: UnsupportedParam, body: dict[str, Any], expected: dict[str, Any]
) -> None:
    before = repr(body)

    assert without(body, omission) == expected
    assert repr(body) == before
    if body == expected:
        assert without(body, omission) is body


METADATA = UnsupportedParam(path=("metadata",))
ODD = UnsupportedParam(path=("messages", "content", "tool_result", "odd"))


def test_what_a_key_ran_into_is_known_for_that_key_and_model_for_a_while() -> None:
    clock = Clock()
    omissions = UnsupportedParams(clock)

    assert omissions.learn("one", METADATA, KeyId("a"))
    assert not omissions.learn("one", METADATA, KeyId("a"))

    assert omissions.known("one", KeyId("a")) == [METADATA]
    assert omissions.known("two", KeyId("a")) == []
    assert omissions.known("one", KeyId("b")) == []
    clock.seconds = REMEMBERED_SECONDS
    assert omissions.known("one", KeyId("a")) == []


def test_a_field_on_the_list_is_left_out_for_everybody_once_several_keys_ran_into_it() -> None:
    clock = Clock()
    omissions = UnsupportedParams(clock)
    for number in range(COMMON_AFTER_KEYS):
        assert omissions.known("one", KeyId("other")) == []
        omissions.learn("one", METADATA, KeyId(f"key-{number}"))

    assert omissions.known("one", KeyId("other")) == [METADATA]
    clock.seconds = REMEMBERED_SECONDS
    assert omissions.known("one", KeyId("other")) == []


@pytest.mark.parametrize("omission", [ODD, UnsupportedParam(beta="*")])
def test_what_is_not_on_the_list_stays_with_the_keys_that_ran_into_it(
    omission: UnsupportedParam,
) -> None:
    omissions = UnsupportedParams(Clock())
    for number in range(10):
        omissions.learn("one", omission, KeyId(f"key-{number}"))

    assert omissions.known("one", KeyId("key-0")) == [omission]
    assert omissions.known("one", KeyId("other")) == []


def test_one_key_does_not_count_for_several() -> None:
    omissions = UnsupportedParams(Clock())
    for _ in range(10):
        omissions.learn("one", METADATA, KeyId("attacker"))

    assert omissions.known("one", KeyId("victim")) == []


def test_a_key_that_runs_into_ever_more_forgets_the_oldest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "KEYS_REMEMBERED", 2)
    omissions = UnsupportedParams(Clock())
    paths = [UnsupportedParam(path=("messages", f"odd{n}")) for n in range(OMISSIONS_PER_KEY + 1)]
    for path in paths:
        omissions.learn("one", path, KeyId("a"))

    assert omissions.known("one", KeyId("a")) == paths[1:]
    for key in "bc":
        omissions.learn("one", METADATA, KeyId(key))
    assert omissions.known("one", KeyId("a")) == []


@pytest.mark.parametrize(
    ("omission", "named"),
    [
        (UnsupportedParam(beta="effort-2025-11-24"), "beta effort-2025-11-24"),
        (UnsupportedParam(path=("tools", "custom", "strict")), "tools.custom.strict"),
    ],
)
def test_what_is_learnt_is_told_to_the_operator(
    omission: UnsupportedParam, named: str, caplog: pytest.LogCaptureFixture
) -> None:
    UnsupportedParams(Clock()).learn("one", omission, KeyId("a"))

    (record,) = caplog.records
    assert record.message == "parameter rejected by Bedrock; leaving it out for an hour"
    assert vars(record)["model"] == "one"
    assert vars(record)["omission"] == named
    assert vars(record)["key_id"] == "a"


def test_a_body_without_beta_flags_stays_the_same_object() -> None:
    body = {"x": 1}

    assert without(body, UnsupportedParam(beta="*")) is body


def test_what_a_key_ran_into_again_is_forgotten_later() -> None:
    omissions = UnsupportedParams(Clock())
    paths = [UnsupportedParam(path=("messages", f"odd{n}")) for n in range(OMISSIONS_PER_KEY + 1)]
    for path in (*paths[:-1], paths[0], paths[-1]):
        omissions.learn("one", path, KeyId("a"))

    assert omissions.known("one", KeyId("a")) == [*paths[2:-1], paths[0], paths[-1]]


def test_as_many_keys_are_remembered_as_the_bound_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEYS_REMEMBERED", 2)
    omissions = UnsupportedParams(Clock())
    for key in "abc":
        omissions.learn("one", ODD, KeyId(key))

    assert [omissions.known("one", KeyId(key)) for key in "abc"] == [[], [ODD], [ODD]]


def test_the_latest_keys_that_had_an_error_are_those_that_count() -> None:
    clock = Clock()
    omissions = UnsupportedParams(clock)
    for key in ("a", "b", "c"):
        omissions.learn("one", METADATA, KeyId(key))
    clock.seconds = 10
    for key in ("a", "d", "e"):
        omissions.learn("one", METADATA, KeyId(key))

    clock.seconds = REMEMBERED_SECONDS + 9
    assert omissions.known("one", KeyId("other")) == [METADATA]
    clock.seconds += 1
    assert omissions.known("one", KeyId("other")) == []


def test_as_many_fields_of_a_model_are_remembered_for_everybody_as_the_bound_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "OMISSIONS_PER_MODEL", 2)
    omissions = UnsupportedParams(Clock())
    betas = [UnsupportedParam(beta=f"beta-{number}") for number in range(3)]
    for beta in betas:
        for number in range(COMMON_AFTER_KEYS):
            omissions.learn("one", beta, KeyId(f"key-{number}"))

    assert omissions.known("one", KeyId("other")) == betas[1:]
