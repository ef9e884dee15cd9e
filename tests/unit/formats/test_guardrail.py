"""Bedrock's own fields in an answer."""

import pytest

from app.core.guardrail import GuardrailUnits
from app.core.json_fields import JsonObject
from app.formats import guardrail
from app.formats.guardrail import TRACE, units

MESSAGE = {"id": "msg_1", "stop_reason": "end_turn", "content": [{"type": "text", "text": "No."}]}


@pytest.mark.parametrize(
    ("action", "intervened"), [("INTERVENED", True), ("NONE", False), (None, False), ([], False)]
)
def test_an_intervention_is_told_by_the_action(action: object, intervened: bool) -> None:
    assert guardrail.intervened({guardrail.ACTION: action}) is intervened
    assert guardrail.intervened({}) is False


def test_an_intervention_is_shown_as_a_refusal_with_its_text() -> None:
    message = MESSAGE | {guardrail.ACTION: "INTERVENED", "amazon-bedrock-trace": {"a": 1}}

    assert guardrail.shown(message) == MESSAGE | {"stop_reason": "refusal", "stop_sequence": None}


def test_an_answer_that_the_guardrail_let_pass_stays_as_it_is() -> None:
    assert guardrail.shown(MESSAGE | {guardrail.ACTION: "NONE"}) == MESSAGE
    assert guardrail.shown(MESSAGE) is MESSAGE


def traced(**usage: object) -> JsonObject:
    assessed = {"abc": {"invocationMetrics": {"usage": usage}}}
    return {TRACE: {"guardrail": {"input": assessed, "outputs": [assessed, assessed]}}}


def test_the_units_of_prompt_and_answer_are_added_by_policy() -> None:
    found = units(traced(contentPolicyUnits=2, topicPolicyUnits=1, wordPolicyUnits=7))

    assert found == GuardrailUnits(content=6, topic=3)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {TRACE: None},
        {TRACE: {"guardrail": "INTERVENED"}},
        {TRACE: {"guardrail": {"input": {"abc": {}}, "outputs": None}}},
        {TRACE: {"guardrail": {"input": [], "outputs": {"abc": 1}}}},
    ],
)
def test_where_nothing_tells_of_units_there_are_none(fields: JsonObject) -> None:
    assert units(fields) is None


def test_counts_that_make_no_sense_are_nothing() -> None:
    assert units(traced(contentPolicyUnits="9", topicPolicyUnits=-4)) == GuardrailUnits()
