"""Bedrock's exceptions (botocore's bedrock-runtime model) as ours."""

import logging
import re
from typing import Final

import aiohttp
import orjson

from app.errors import (
    GatewayError,
    NotFound,
    PromptTooLong,
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

DAY_QUOTA: Final = "Bedrock's daily quota for this model is used up."

RETRY_AFTER_SECONDS: Final = "5"

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

_FORM: Final = "use case details"
"""What Bedrock misses before an account may use a model. As a 404 it would not be read: Claude Code
replaces the message of one."""

_PRIVATE: Final = re.compile(r"arn:aws[a-z-]*:[^\s'\"]+|\b\d{12}\b")
"""ARNs and account ids."""

_QUOTED: Final = re.compile(r"(?<!\w)'.*'(?!\w)|\".*\"", re.DOTALL)
"""Bedrock quotes what the client sent, and the log holds no client's text. What is quoted may hold
quotes itself, so all from the first to the last is left out."""

LONGEST_LOGGED: Final = 1_000

_ACTIONABLE: Final = ("per day", _FORM, "legacy", "end of its life", "marketplace")
"""Parts of sentences that tell a person what to do, in lower case; clients see such a sentence."""

_TOO_LONG: Final = re.compile(r"prompt is too long.*|input length and `max_tokens` exceed.*", re.S)
"""What Claude Code looks for before it compacts a conversation."""

_TOO_LONG_SYNONYMS: Final = ("input is too long", "exceeds the context window")
"""Bedrock's own wordings of the same error."""


def upstream_error(
    name: str,
    message: str,
    original_status: object = None,
    *,
    guarded: bool = False,
    retry_after: str | None = None,
) -> GatewayError:
    """The error for a Bedrock exception.

    Args:
        name: Of the exception, in either case: `ThrottlingException` in responses,
            `throttlingException` in streams.
        message: Bedrock's own sentence. It is logged, without what it quotes.
        original_status: What the model's own server answered.
        guarded: Whether the operator's guardrail was sent along.
        retry_after: The header of the response, if any.
    """
    name = name[:1].upper() + name[1:]
    if name == "ModelErrorException" and original_status in MODEL_REFUSALS:
        name = "ValidationException"
    if guarded and _is_about_the_guardrail(name, message):
        return _denied(name, message)
    if name == "ResourceNotFoundException" and _FORM in message.lower():
        return _denied(name, message)
    if name in _ERRORS:
        _log(logging.WARNING, "Bedrock refused a request", name, message)
        return _mapped(name, message, retry_after)
    if name == "ValidationException" and not any(f in message for f in _OPERATOR_FAULTS):
        _log(logging.INFO, "Bedrock refused a request", name, message)
        return _rejected(_PRIVATE.sub("[hidden]", message))
    return _denied(name, message)


def _mapped(name: str, message: str, retry_after: str | None) -> GatewayError:
    """The gateway's own message, with Bedrock's sentence where a person needs it."""
    kind, text = _ERRORS[name]
    if kind not in (UpstreamThrottled, UpstreamOverloaded):
        return kind(text + _for_people(message))
    seconds = _seconds(retry_after)
    if kind is UpstreamThrottled and "per day" in message.lower():
        headers = {"x-should-retry": "false"} | ({"retry-after": seconds} if seconds else {})
        return kind(DAY_QUOTA + _for_people(message), headers)
    if kind is UpstreamThrottled:
        seconds = seconds or RETRY_AFTER_SECONDS
    return kind(text + _for_people(message), {"retry-after": seconds} if seconds else None)


def _for_people(message: str) -> str:
    if not any(part in message.lower() for part in _ACTIONABLE):
        return ""
    return f" Bedrock's message: {_PRIVATE.sub('[hidden]', message)}"


def _seconds(retry_after: str | None) -> str | None:
    """The header, if it is a number of seconds; a date is not passed on."""
    given = (retry_after or "").strip()
    return given if given.isdecimal() and given.isascii() and len(given) <= 7 else None


def _rejected(message: str) -> UpstreamRejected:
    if found := _TOO_LONG.search(message):
        return PromptTooLong(found[0])
    if any(part in message.lower() for part in _TOO_LONG_SYNONYMS):
        return PromptTooLong(f"prompt is too long: {message}")
    return UpstreamRejected(message or "Bedrock refused the request.")


def _is_about_the_guardrail(name: str, message: str) -> bool:
    """Where a resource is not named, it may be the guardrail: the models are the catalogue's."""
    text = message.lower()
    if name == "ResourceNotFoundException":
        about_the_model = any(part in text for part in ("model", *_ACTIONABLE))
        return not about_the_model or "guardrail" in text
    names_a_field = "extra inputs" in text or "extraneous key" in text
    return name == "ValidationException" and "guardrail" in text and not names_a_field


def _denied(name: str, message: str) -> UpstreamDenied:
    _log(logging.ERROR, "Bedrock refused the gateway", name, message)
    return UpstreamDenied(DENIED + _for_people(message))


def _log(level: int, text: str, name: str, message: str) -> None:
    """Log Bedrock's message for the operator, without what it quotes."""
    shown = _QUOTED.sub("'…'", message)[:LONGEST_LOGGED]
    log.log(level, text, extra={"exception_name": name, "bedrock_message": shown})


LONGEST_ERROR: Final = 64 * 1024


def kind(response: aiohttp.ClientResponse) -> str:
    """The name of the exception, or an empty string."""
    return response.headers.get("x-amzn-errortype", "").partition(":")[0]


async def refusal(response: aiohttp.ClientResponse, *, guarded: bool) -> GatewayError:
    """The error that a response stands for; its connection goes back to the pool.

    `guarded`: the operator's guardrail was sent with the call.
    """
    message, original = "", None
    try:
        fields = orjson.loads(await _read_error(response))
        message = str(fields.get("message") or fields.get("Message") or "")
        original = fields.get("originalStatusCode")
    except (ValueError, AttributeError, TimeoutError, aiohttp.ClientError):
        pass
    finally:
        response.release()
    name = kind(response) or EXCEPTION_BY_STATUS.get(response.status, "")
    return upstream_error(
        name,
        message,
        original,
        guarded=guarded,
        retry_after=response.headers.get("retry-after"),
    )


async def _read_error(response: aiohttp.ClientResponse) -> bytes:
    """The body to its end, in however many segments it comes; of a huge one the beginning."""
    body = b""
    while len(body) < LONGEST_ERROR:
        if not (part := await response.content.read(LONGEST_ERROR - len(body))):
            break
        body += part
    return body
