"""Every error has a place among Bedrock's exceptions."""

from collections.abc import Iterator
from typing import get_args

import pytest

from app.errors import (
    AuthenticationFailed,
    BudgetExceeded,
    DatabaseUnavailable,
    GatewayError,
    InternalError,
    ModelNotAllowed,
    NotSupported,
    UnknownModel,
    UpstreamBroke,
    UpstreamOverloaded,
    UpstreamRejected,
    UpstreamThrottled,
    UpstreamTimeout,
)
from app.formats.errors import BEDROCK_STATUS, bedrock_error, bedrock_stream_exception
from app.local.emulator.faults import STATUS, StreamException


def kinds(base: type[GatewayError] = GatewayError) -> Iterator[type[GatewayError]]:
    for kind in base.__subclasses__():
        yield kind
        yield from kinds(kind)


@pytest.mark.parametrize("kind", list(kinds()))
def test_every_error_is_an_exception_that_bedrocks_clients_know(kind: type[GatewayError]) -> None:
    status = BEDROCK_STATUS[kind.bedrock_type]

    if kind.bedrock_type != "UnrecognizedClientException":
        assert {str(name): code for name, code in STATUS.items()}[kind.bedrock_type] == status
    assert bedrock_stream_exception(kind("x")) in get_args(StreamException)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (UpstreamRejected, "validationException"),
        (NotSupported, "validationException"),
        (UpstreamThrottled, "throttlingException"),
        (BudgetExceeded, "throttlingException"),
        (UpstreamOverloaded, "serviceUnavailableException"),
        (DatabaseUnavailable, "serviceUnavailableException"),
        (UpstreamTimeout, "modelTimeoutException"),
        (UpstreamBroke, "internalServerException"),
        (InternalError, "internalServerException"),
    ],
)
def test_a_stream_ends_with_the_exception_that_fits(kind: type[GatewayError], name: str) -> None:
    assert bedrock_stream_exception(kind("x")) == name


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (AuthenticationFailed("Invalid API key."), "Invalid API key."),
        (
            ModelNotAllowed("Not yours."),
            "You don't have access to the model with the specified model ID. Not yours.",
        ),
        (
            UnknownModel("model: x is not known here"),
            "The provided model identifier is invalid. model: x is not known here",
        ),
    ],
)
def test_the_words_that_clients_go_by_come_before_the_message(
    error: GatewayError, message: str
) -> None:
    assert bedrock_error(error) == {"message": message}
