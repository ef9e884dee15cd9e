"""Bedrock's exceptions as errors that users may see."""

import pytest

from app.errors import GatewayError, PromptTooLong, UpstreamDenied, UpstreamFailed, UpstreamRejected
from app.upstream.errors import upstream_error

SAID: list[tuple[str, str, str]] = [
    ("ValidationException", "max_tokens: 5 > 4", "max_tokens: 5 > 4"),
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
    ("ValidationException", "guardrailConfig: Extra inputs are not permitted", False),
    ("ValidationException", "#: extraneous key [guardrailConfig] is not permitted", False),
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


@pytest.mark.parametrize(
    ("name", "sent", "passed_on"),
    [
        ("ThrottlingException", "23", "23"),
        ("ThrottlingException", "soon", "5"),
        ("ThrottlingException", "-1", "5"),
        ("ThrottlingException", "٣", "5"),
        ("ServiceUnavailableException", "7", "7"),
        ("ServiceUnavailableException", None, None),
        ("InternalServerException", "7", None),
    ],
)
def test_bedrocks_retry_after_is_passed_on(
    name: str, sent: str | None, passed_on: str | None
) -> None:
    assert upstream_error(name, "", retry_after=sent).headers.get("retry-after") == passed_on


DAILY = "Too many tokens per day, please wait before trying again."
FORM = "Model use case details have not been submitted for this account. Fill out the form."
LEGACY = "Access denied. This Model is marked by provider as Legacy."


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ThrottlingException", DAILY),
        ("ServiceQuotaExceededException", DAILY),
        ("ResourceNotFoundException", FORM),
        ("ResourceNotFoundException", LEGACY),
        ("AccessDeniedException", LEGACY),
    ],
)
@pytest.mark.parametrize("guarded", [False, True])
def test_a_sentence_that_somebody_must_act_on_reaches_the_client(
    name: str, message: str, guarded: bool
) -> None:
    error = upstream_error(name, f"{message} (account 123456789012)", guarded=guarded)

    assert message in error.message
    assert "123456789012" not in error.message


def test_a_form_that_the_account_has_not_sent_is_the_operators_to_send() -> None:
    assert isinstance(upstream_error("ResourceNotFoundException", FORM), UpstreamDenied)
    assert not isinstance(upstream_error("ResourceNotFoundException", LEGACY), UpstreamDenied)


def test_a_daily_quota_is_not_called_momentary() -> None:
    error = upstream_error("ThrottlingException", DAILY)

    assert "moment" not in error.message
    assert error.headers == {"x-should-retry": "false"}


@pytest.mark.parametrize(
    "name",
    ["ThrottlingException", "ResourceNotFoundException", "ValidationException", "MadeUpException"],
)
@pytest.mark.parametrize(
    "sentence",
    [
        "No such thing: 'a secret' and \"another\"",
        "No such thing: 'it's a secret' found using 'type'",
        "No such thing, isn't it: 'a\n'secret'\n'",
        'No such thing: "a "secret" b"',
        "No such thing: the model's owner doesn't say",
    ],
)
def test_what_bedrock_said_is_in_the_log_without_what_it_quotes(
    name: str, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")

    upstream_error(name, f"{sentence} in account 1.")

    assert [vars(record)["exception_name"] for record in caplog.records] == [name]
    assert "No such thing" in vars(caplog.records[0])["bedrock_message"]
    said = vars(caplog.records[0])["bedrock_message"]
    assert said.endswith("in account 1.")
    assert "secret" not in said
    assert "another" not in said


@pytest.mark.parametrize(
    ("said", "passed_on"),
    [
        (
            "Input is too long for requested model.",
            "prompt is too long: Input is too long for requested model.",
        ),
        (
            "The model returned the following errors: prompt is too long: 5 tokens > 4 maximum",
            "prompt is too long: 5 tokens > 4 maximum",
        ),
        (
            "input length and `max_tokens` exceed context limit: 9 + 3 > 10",
            "input length and `max_tokens` exceed context limit: 9 + 3 > 10",
        ),
    ],
)
@pytest.mark.parametrize("name", ["ValidationException", "validationException"])
def test_a_prompt_that_is_too_long_is_said_to_be_so_in_words_that_clients_look_for(
    name: str, said: str, passed_on: str
) -> None:
    error = upstream_error(name, said)

    assert (type(error), error.message) == (PromptTooLong, passed_on)
    assert error.openai_code == "context_length_exceeded"
