"""Bedrock's exceptions as errors that users may see."""

import pytest

from app.bedrock.errors import upstream_error
from app.errors import GatewayError, UpstreamDenied, UpstreamFailed, UpstreamRejected

SAID: list[tuple[str, str, str]] = [
    ("ValidationException", "max_tokens: 5 > 4", "max_tokens: 5 > 4"),
    ("validationException", "Input is too long for requested model.", "Input is too long for"),
    ("ValidationException", "", "Bedrock refused the request."),
    (
        "ValidationException",
        "no arn:aws:bedrock:us-east-1:123456789012:inference-profile/x for 123456789012",
        "no [hidden] for [hidden]",
    ),
    ("ThrottlingException", "account 123456789012", "Bedrock is at its quota"),
    ("AccessDeniedException", "arn:aws:sts::123456789012:x is not authorized", "Bedrock refused"),
    ("ResourceNotFoundException", "arn:aws:bedrock:eu-west-1::x", "Bedrock does not offer"),
]


@pytest.mark.parametrize(("name", "message", "said"), SAID)
def test_users_see_reasons_but_no_account(name: str, message: str, said: str) -> None:
    error = upstream_error(name, message)

    assert said in error.message
    assert "123456789012" not in error.message
    assert "arn:" not in error.message


@pytest.mark.parametrize(
    "message",
    [
        "The provided model identifier is invalid.",
        "Invocation of model ID x with on-demand throughput isn't supported.",
    ],
)
def test_a_wrong_configuration_is_not_blamed_on_the_client(message: str) -> None:
    assert isinstance(upstream_error("ValidationException", message), UpstreamDenied)


ABOUT_GUARDRAILS = [
    ("ValidationException", "The provided guardrail identifier is invalid.", True),
    ("ValidationException", "Guardrail was enabled but input is in incorrect format.", True),
    ("ResourceNotFoundException", "The guardrail does not exist.", True),
    ("ResourceNotFoundException", "The specified resource ARN was not found.", True),
    ("ResourceNotFoundException", "This model version has reached the end of its life.", False),
    ("ValidationException", "max_tokens: 5 > 4", False),
    ("ThrottlingException", "Too many guardrail requests", False),
]


@pytest.mark.parametrize(("name", "message", "denied"), ABOUT_GUARDRAILS)
def test_a_guardrail_that_does_not_work_is_the_operator_s_fault(
    name: str, message: str, denied: bool
) -> None:
    assert isinstance(upstream_error(name, message, guarded=True), UpstreamDenied) is denied
    assert not isinstance(upstream_error(name, message), UpstreamDenied)


@pytest.mark.parametrize(
    ("status", "error"), [(400, UpstreamRejected), (500, UpstreamFailed), (None, UpstreamFailed)]
)
def test_what_the_model_itself_refused_is_the_client_s_to_change(
    status: int | None, error: type[GatewayError]
) -> None:
    assert type(upstream_error("ModelErrorException", "no", status)) is error


def test_a_throttled_caller_is_told_when_to_come_again() -> None:
    assert upstream_error("ThrottlingException", "").headers["retry-after"] == "5"
