"""Bedrock's exceptions (botocore's bedrock-runtime model) as ours."""

import logging
import re
from typing import Final

from app.errors import (
    GatewayError,
    NotFound,
    RequestTooLarge,
    UpstreamDenied,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamRejected,
    UpstreamThrottled,
    UpstreamTimeout,
)

log = logging.getLogger(__name__)

THROTTLED: Final = "Bedrock is at its quota for this model; try again in a moment."
THROTTLE_HEADERS: Final = {"retry-after": "5"}
NO_CAPACITY: Final = "The model has no capacity at the moment; try again."
MODEL_FAILED: Final = "The model failed while it answered; try again."

_ERRORS: Final[dict[str, tuple[type[GatewayError], str]]] = {
    "ThrottlingException": (UpstreamThrottled, THROTTLED),
    "ServiceQuotaExceededException": (UpstreamThrottled, THROTTLED),
    "ModelNotReadyException": (UpstreamOverloaded, NO_CAPACITY),
    "ServiceUnavailableException": (UpstreamOverloaded, NO_CAPACITY),
    "ModelTimeoutException": (UpstreamTimeout, "The model took too long to answer."),
    "InternalServerException": (UpstreamFailed, MODEL_FAILED),
    "ModelErrorException": (UpstreamFailed, MODEL_FAILED),
    "ModelStreamErrorException": (UpstreamFailed, MODEL_FAILED),
    "RequestEntityTooLargeException": (RequestTooLarge, "The request is too large for Bedrock."),
    "ResourceNotFoundException": (NotFound, "Bedrock does not offer this model here."),
}

EXCEPTION_BY_STATUS: Final = {
    400: "ValidationException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    413: "RequestEntityTooLargeException",
    429: "ThrottlingException",
    500: "InternalServerException",
    502: "InternalServerException",
    503: "ServiceUnavailableException",
    504: "ModelTimeoutException",
}
"""For replies of something between us and Bedrock, which names no exception."""

MODEL_REFUSALS: Final = range(400, 404)
"""Statuses by which a model's own server says that the request was wrong."""

DENIED: Final = "Bedrock refused the gateway itself; its operator must look into it."

_OPERATOR_FAULTS: Final = ("model identifier is invalid", "on-demand throughput")
"""Wordings of a ValidationException that is none of the client's doing."""

_PRIVATE: Final = re.compile(r"arn:aws[a-z-]*:[^\s'\"]+|\b\d{12}\b")
"""ARNs and account ids."""


def upstream_error(
    name: str, message: str, original_status: object = None, *, guarded: bool = False
) -> GatewayError:
    """The error for a Bedrock exception, named in either case (`ThrottlingException` in replies,
    `throttlingException` in streams); `original_status` is what the model itself answered, and
    `guarded` tells that the operator's guardrail was sent along."""
    name = name[:1].upper() + name[1:]
    if name == "ModelErrorException" and original_status in MODEL_REFUSALS:
        name = "ValidationException"
    if guarded and _is_about_the_guardrail(name, message):
        return _denied(name, message)
    if name in _ERRORS:
        kind, said = _ERRORS[name]
        return kind(said, THROTTLE_HEADERS if kind is UpstreamThrottled else None)
    if name == "ValidationException" and not any(f in message for f in _OPERATOR_FAULTS):
        return UpstreamRejected(_PRIVATE.sub("[hidden]", message) or "Bedrock refused the request.")
    return _denied(name, message)


def _is_about_the_guardrail(name: str, message: str) -> bool:
    """Where a resource is not named, it may be the guardrail: the models are the catalogue's."""
    said = message.lower()
    if name == "ResourceNotFoundException":
        return "model" not in said or "guardrail" in said
    return name == "ValidationException" and "guardrail" in said


def _denied(name: str, message: str) -> UpstreamDenied:
    log.error("Bedrock refused the gateway", extra={"exception_name": name, "said": message})
    return UpstreamDenied(DENIED)
