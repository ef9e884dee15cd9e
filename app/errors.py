"""Every error that a client can see, in one tree.

GatewayError
 ├─ InvalidRequest              400  invalid_request
 │   ├─ UnsupportedEncoding     415  unsupported_encoding
 │   └─ UpstreamRejected        400  upstream_rejected
 │       └─ PromptTooLong       400  prompt_too_long
 ├─ AuthenticationFailed        401  invalid_key
 │   ├─ MissingKey              401  missing_key
 │   ├─ ExpiredKey              401  expired_key
 │   └─ BlockedKey              401  blocked_key
 ├─ PermissionDenied            403  permission_denied
 │   └─ ModelNotAllowed         403  model_not_allowed
 ├─ NotFound                    404  not_found
 │   └─ UnknownModel            404  unknown_model
 ├─ MethodNotAllowed            405  method_not_allowed
 ├─ RequestTimeout              408  request_timeout
 ├─ Conflict                    409  conflict
 ├─ RequestTooLarge             413  request_too_large
 │   └─ HeadTooLarge            431  head_too_large
 ├─ BudgetExceeded              429  budget_exceeded
 ├─ BudgetHeld                  429  budget_held
 ├─ RateLimited                 429  rate_limited
 │   └─ TooManyUnknownKeys      429  too_many_unknown_keys
 ├─ UpstreamThrottled           429  upstream_throttled
 ├─ InternalError               500  internal_error
 ├─ NotSupported                501  not_supported
 ├─ UpstreamFailed              502  upstream_failed
 │   ├─ UpstreamDenied          502  upstream_denied
 │   └─ UpstreamBroke           502  upstream_broke
 ├─ DatabaseUnavailable         503  database_unavailable
 ├─ UpstreamTimeout             504  upstream_timeout
 └─ UpstreamOverloaded          529  upstream_overloaded

The classes are data: `http.errors` renders them in the API format of the caller. Messages are shown
to users as they are, so they carry no secret, prompt, account id or stack trace.
"""

from collections.abc import Mapping
from typing import ClassVar


class GatewayError(Exception):
    """An error with a status, a stable code and a message for the user."""

    status: ClassVar[int]
    code: ClassVar[str]
    anthropic_type: ClassVar[str] = "api_error"
    openai_type: ClassVar[str] = "server_error"
    openai_code: ClassVar[str | None] = None
    bedrock_type: ClassVar[str] = "InternalServerException"
    """The exception by which Bedrock's own clients know it."""
    bedrock_words: ClassVar[str] = ""
    """Bedrock's own text, in front of the message: its clients parse it."""
    retryable: ClassVar[bool | None] = None
    """What `x-should-retry` says; None leaves it to the client."""
    maybe_billed: ClassVar[bool] = False
    """Bedrock may have generated an answer, and will bill it, though none arrived."""

    def __init__(self, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.headers: Mapping[str, str] = headers or {}


class InvalidRequest(GatewayError):
    """The request is not one that the endpoint understands; the message names the field."""

    status, code = 400, "invalid_request"
    anthropic_type = openai_type = "invalid_request_error"
    bedrock_type = "ValidationException"
    retryable = False


class UnsupportedEncoding(InvalidRequest):
    """The body is compressed; how large it is would be known too late."""

    status, code = 415, "unsupported_encoding"


class UpstreamRejected(InvalidRequest):
    """Bedrock refused the request; its reason is passed on."""

    code = "upstream_rejected"


class PromptTooLong(UpstreamRejected):
    """The prompt is larger than the model's context window."""

    code, openai_code = "prompt_too_long", "context_length_exceeded"


class AuthenticationFailed(GatewayError):
    """Unknown API key."""

    status, code = 401, "invalid_key"
    anthropic_type, openai_type = "authentication_error", "invalid_request_error"
    openai_code = "invalid_api_key"
    bedrock_type = "UnrecognizedClientException"
    retryable = False


class MissingKey(AuthenticationFailed):
    """No key was sent."""

    code = "missing_key"


class ExpiredKey(AuthenticationFailed):
    """The key has expired."""

    code = "expired_key"


class BlockedKey(AuthenticationFailed):
    """The key or its user is blocked."""

    code = "blocked_key"


class PermissionDenied(GatewayError):
    """The key is good, but not for this."""

    status, code = 403, "permission_denied"
    anthropic_type, openai_type = "permission_error", "invalid_request_error"
    bedrock_type = "AccessDeniedException"
    retryable = False


class ModelNotAllowed(PermissionDenied):
    """The key's or the user's model list does not hold the model asked for."""

    code = openai_code = "model_not_allowed"
    bedrock_words = "You don't have access to the model with the specified model ID. "


class NotFound(GatewayError):
    """No such endpoint or record."""

    status, code = 404, "not_found"
    anthropic_type, openai_type = "not_found_error", "invalid_request_error"
    bedrock_type = "ResourceNotFoundException"
    retryable = False


class UnknownModel(NotFound):
    """No model or alias of that name is in the catalogue."""

    code, openai_code = "unknown_model", "model_not_found"
    bedrock_type = "ValidationException"
    bedrock_words = "The provided model identifier is invalid. "


class MethodNotAllowed(GatewayError):
    """The endpoint exists, but not with this method."""

    status, code = 405, "method_not_allowed"
    anthropic_type = openai_type = "invalid_request_error"
    bedrock_type = "UnknownOperationException"
    retryable = False


class RequestTimeout(GatewayError):
    """The request itself did not arrive in time."""

    status, code = 408, "request_timeout"
    anthropic_type = openai_type = "invalid_request_error"
    bedrock_type = "ValidationException"


class Conflict(GatewayError):
    """A record of that name exists already."""

    status, code = 409, "conflict"
    anthropic_type = openai_type = "invalid_request_error"
    bedrock_type = "ValidationException"
    retryable = False


class RequestTooLarge(GatewayError):
    """The body is larger than the gateway takes."""

    status, code = 413, "request_too_large"
    anthropic_type, openai_type = "request_too_large", "invalid_request_error"
    bedrock_type = "RequestEntityTooLargeException"
    retryable = False


class HeadTooLarge(RequestTooLarge):
    """The address and headers are larger than the gateway takes."""

    status, code = 431, "head_too_large"


class BudgetExceeded(GatewayError):
    """What is left of a budget does not cover the request."""

    status, code = 429, "budget_exceeded"
    anthropic_type, openai_type = "billing_error", "insufficient_quota"
    openai_code = "insufficient_quota"
    bedrock_type = "ThrottlingException"
    retryable = False


class BudgetHeld(GatewayError):
    """The budget would cover the request, but others in flight hold part of it: try again."""

    status, code = 429, "budget_held"
    anthropic_type, openai_type = "rate_limit_error", "rate_limit_error"
    openai_code = "rate_limit_exceeded"
    bedrock_type = "ThrottlingException"


class RateLimited(GatewayError):
    """A limit on requests or tokens a minute, or on requests in flight, is reached."""

    status, code = 429, "rate_limited"
    anthropic_type, openai_type = "rate_limit_error", "rate_limit_error"
    openai_code = "rate_limit_exceeded"
    bedrock_type = "ThrottlingException"


class TooManyUnknownKeys(RateLimited):
    """Unknown API key, after many others from the same address."""

    code = "too_many_unknown_keys"


class UpstreamThrottled(GatewayError):
    """Bedrock's quota is used up for the moment."""

    status, code = 429, "upstream_throttled"
    anthropic_type, openai_type = "rate_limit_error", "rate_limit_error"
    openai_code = "rate_limit_exceeded"
    bedrock_type = "ThrottlingException"


class InternalError(GatewayError):
    """A fault of the gateway's own; the request id finds it in the log."""

    status, code = 500, "internal_error"


class NotSupported(GatewayError):
    """Bedrock has no such thing for this model, such as the counting of tokens."""

    status, code = 501, "not_supported"
    anthropic_type = "not_supported"
    bedrock_type = "ValidationException"
    retryable = False


class UpstreamFailed(GatewayError):
    """Bedrock could not be reached, or answered what cannot be used."""

    status, code = 502, "upstream_failed"


class UpstreamDenied(UpstreamFailed):
    """Bedrock refuses the gateway: missing access, or a wrong configuration of the operator's."""

    code = "upstream_denied"
    retryable = False


class UpstreamBroke(UpstreamFailed):
    """The connection to Bedrock was lost after the request had been sent."""

    code = "upstream_broke"
    maybe_billed = True


class DatabaseUnavailable(GatewayError):
    """The database is unavailable: no key can be checked and no budget reserved."""

    status, code = 503, "database_unavailable"
    bedrock_type = "ServiceUnavailableException"


class UpstreamTimeout(GatewayError):
    """The model did not answer in time."""

    status, code = 504, "upstream_timeout"
    anthropic_type = "timeout_error"
    bedrock_type = "ModelTimeoutException"
    maybe_billed = True


class UpstreamOverloaded(GatewayError):
    """The model has no capacity at the moment."""

    status, code = 529, "upstream_overloaded"
    anthropic_type = "overloaded_error"
    bedrock_type = "ServiceUnavailableException"
