"""Errors in the shape that clients of each API format read."""

from collections.abc import Iterator

import pytest

from app import errors
from app.errors import GatewayError
from app.formats.errors import (
    BEDROCK_STATUS,
    anthropic_error,
    anthropic_stream_error,
    bedrock_error,
    bedrock_stream_exception,
    openai_error,
)

ANTHROPIC_TYPES = {
    "invalid_request_error", "authentication_error", "billing_error", "permission_error",
    "not_found_error", "request_too_large", "rate_limit_error", "timeout_error", "api_error",
    "overloaded_error", "not_supported",
}  # fmt: skip


def all_kinds(parent: type[GatewayError] = GatewayError) -> Iterator[type[GatewayError]]:
    for kind in parent.__subclasses__():
        yield kind
        yield from all_kinds(kind)


KINDS = sorted(set(all_kinds()), key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", KINDS)
def test_each_error_has_a_shape_in_every_api_format(kind: type[GatewayError]) -> None:
    error = kind("words")

    assert anthropic_error(error, "req_1") == {
        "type": "error",
        "error": {"type": kind.anthropic_type, "message": "words"},
        "request_id": "req_1",
    }
    assert kind.anthropic_type in ANTHROPIC_TYPES
    assert openai_error(error) == {
        "error": {
            "message": "words",
            "type": kind.openai_type,
            "param": None,
            "code": kind.openai_code or kind.code,
        }
    }
    assert bedrock_error(error)["message"].endswith("words")
    assert kind.bedrock_type in BEDROCK_STATUS


def test_codes_are_unique_and_in_the_tree_that_the_module_shows() -> None:
    codes = [kind.code for kind in KINDS]

    assert len(set(codes)) == len(codes)
    tree = (errors.__doc__ or "").split()
    assert [kind.__name__ for kind in KINDS if kind.__name__ not in tree] == []
    assert [kind.code for kind in KINDS if kind.code not in tree] == []


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.UpstreamBroke(""), "overloaded_error"),
        (errors.UpstreamThrottled(""), "overloaded_error"),
        (errors.UpstreamTimeout(""), "overloaded_error"),
        (errors.DatabaseUnavailable(""), "overloaded_error"),
        (errors.InternalError(""), "overloaded_error"),
        (errors.UpstreamRejected(""), "invalid_request_error"),
        (errors.UpstreamDenied(""), "api_error"),
    ],
)
def test_in_a_stream_what_may_pass_is_called_overloaded(error: GatewayError, kind: str) -> None:
    assert anthropic_stream_error(error, "req_1")["error"]["type"] == kind


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (errors.UpstreamThrottled(""), "throttlingException"),
        (errors.UpstreamOverloaded(""), "serviceUnavailableException"),
        (errors.UpstreamBroke(""), "internalServerException"),
        (errors.UpstreamRejected(""), "validationException"),
        (errors.UpstreamDenied(""), "internalServerException"),
    ],
)
def test_in_bedrock_s_stream_an_error_is_one_of_its_exceptions(
    error: GatewayError, name: str
) -> None:
    assert bedrock_stream_exception(error) == name


@pytest.mark.parametrize(
    "kind", [k for k in KINDS if 400 <= k.status < 500 and k.status not in {408, 429}]
)
def test_what_the_client_must_change_is_not_worth_another_try(kind: type[GatewayError]) -> None:
    assert kind.retryable is False
