"""The exceptions of Bedrock's runtime, and how they look on the wire."""

from collections.abc import Mapping
from typing import Literal

ExceptionName = Literal[
    "AccessDeniedException",
    "ConflictException",
    "InternalServerException",
    "ModelErrorException",
    "ModelNotReadyException",
    "ModelStreamErrorException",
    "ModelTimeoutException",
    "ResourceNotFoundException",
    "ServiceQuotaExceededException",
    "ServiceUnavailableException",
    "ThrottlingException",
    "ValidationException",
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "RequestEntityTooLargeException",
    "UnknownOperationException",
    "UnrecognizedClientException",
]

StreamException = Literal[
    "internalServerException",
    "modelStreamErrorException",
    "modelTimeoutException",
    "serviceUnavailableException",
    "throttlingException",
    "validationException",
]

STATUS: Mapping[ExceptionName, int] = {
    "AccessDeniedException": 403,
    "ConflictException": 400,
    "InternalServerException": 500,
    "ModelErrorException": 424,
    "ModelNotReadyException": 429,
    "ModelStreamErrorException": 424,
    "ModelTimeoutException": 408,
    "ResourceNotFoundException": 404,
    "ServiceQuotaExceededException": 400,
    "ServiceUnavailableException": 503,
    "ThrottlingException": 429,
    "ValidationException": 400,
    "ExpiredTokenException": 403,
    "IncompleteSignatureException": 403,
    "InvalidSignatureException": 403,
    "MissingAuthenticationTokenException": 403,
    "RequestEntityTooLargeException": 413,
    "UnknownOperationException": 404,
    "UnrecognizedClientException": 403,
}

TEXT: Mapping[ExceptionName, str] = {
    "AccessDeniedException": "You don't have access to the model with the specified model ID.",
    "ConflictException": "Error occurred because of a conflict while performing an operation.",
    "InternalServerException": "The system encountered an unexpected error during processing. "
    "Try your request again.",
    "ModelErrorException": "The request failed due to an error while processing the model.",
    "ModelNotReadyException": "The model specified in the request is not ready to serve inference "
    "requests.",
    "ModelStreamErrorException": "An error occurred while streaming the response.",
    "ModelTimeoutException": "The request took too long to process. Processing time exceeded the "
    "model timeout length.",
    "ResourceNotFoundException": "The specified resource ARN was not found.",
    "ServiceQuotaExceededException": "Your request exceeds the service quota for your account.",
    "ServiceUnavailableException": "Bedrock is unable to process your request.",
    "ThrottlingException": "Too many requests, please wait before trying again.",
    "ValidationException": "The input fails to satisfy the constraints of the service.",
    "ExpiredTokenException": "The security token included in the request is expired",
    "IncompleteSignatureException": "The request signature does not conform to AWS standards.",
    "InvalidSignatureException": "The request signature we calculated does not match the signature "
    "you provided. Check your AWS Secret Access Key and signing method. Consult the service "
    "documentation for details.",
    "MissingAuthenticationTokenException": "Missing Authentication Token",
    "RequestEntityTooLargeException": "Request size exceeds the limit.",
    "UnknownOperationException": "The requested operation is not recognized by the service.",
    "UnrecognizedClientException": "The security token included in the request is invalid.",
}

DETAILS: Mapping[ExceptionName, Mapping[str, object]] = {
    "ModelErrorException": {"originalStatusCode": 500, "resourceName": "emulated-model"},
    "ModelStreamErrorException": {
        "originalStatusCode": 500,
        "originalMessage": "the emulated model stopped",
    },
}


class BedrockFault(Exception):
    """An answer other than 200: a modelled exception with its message."""

    def __init__(
        self,
        name: ExceptionName,
        message: str | None = None,
        *,
        retry_after: str | None = None,
        segments: int = 1,
    ) -> None:
        self.name = name
        self.status = STATUS[name]
        self.retry_after = retry_after
        self.segments = segments
        """In so many pieces the body is sent."""
        self.message = message if message is not None else TEXT[name]
        super().__init__(f"{name}: {self.message}")

    @property
    def body(self) -> Mapping[str, object]:
        """What is sent as JSON, in a response or in an exception frame."""
        return {"message": self.message, **DETAILS.get(self.name, {})}


def invalid(message: str, *, segments: int = 1) -> BedrockFault:
    """The 400 that refuses a body."""
    return BedrockFault("ValidationException", message, segments=segments)


def streamed(name: StreamException) -> BedrockFault:
    """The exception that a frame's camel-cased type stands for."""
    table: Mapping[StreamException, ExceptionName] = {
        "internalServerException": "InternalServerException",
        "modelStreamErrorException": "ModelStreamErrorException",
        "modelTimeoutException": "ModelTimeoutException",
        "serviceUnavailableException": "ServiceUnavailableException",
        "throttlingException": "ThrottlingException",
        "validationException": "ValidationException",
    }
    return BedrockFault(table[name])
