"""Bedrock's own fields in an answer."""

import pytest

from app.wire import guardrail

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
