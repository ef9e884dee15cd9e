"""From botocore's errors to ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from ops.errors import Credentials, Denied, NotFound, OpsError, Unreachable

LOG_IN: Final = (
    "On a laptop: aws sso login, and AWS_PROFILE names the profile. In a workflow: the job needs "
    "aws-actions/configure-aws-credentials with the role ops-<env>."
)
NO_CREDENTIALS: Final = (
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
EXPIRED: Final = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
INVALID: Final = {
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
DENIED: Final = {
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedException",
    "UnauthorizedOperation",
}
THROTTLED: Final = {
    "LimitExceededException",
    "RequestLimitExceeded",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
MISSING: Final = {
    "ClusterNotFoundException",
    "DBInstanceNotFound",
    "DBInstanceNotFoundFault",
    "ResourceNotFoundException",
    "ServiceNotActiveException",
    "ServiceNotFoundException",
}


@contextmanager
def translated() -> Iterator[None]:
    """What botocore raises within becomes an OpsError."""
    try:
        yield
    except ClientError as error:
        raise of_answer(error) from error
    except NO_CREDENTIALS as error:
        raise Credentials(f"There are no AWS credentials: {error}", LOG_IN) from error
    except BotoCoreError as error:
        raise Unreachable(f"AWS cannot be asked: {error}") from error


def of_answer(error: ClientError) -> OpsError:
    """The error that AWS's answer stands for."""
    answer = error.response.get("Error", {})
    code, said = answer.get("Code", ""), answer.get("Message", "") or "no reason given"
    asked = error.operation_name
    if code in EXPIRED:
        return Credentials(f"The AWS credentials have expired ({asked}).", LOG_IN)
    if code in INVALID:
        return Credentials(f"AWS does not know these credentials ({asked}: {said}).", LOG_IN)
    if code in DENIED:
        hint = "What ops may do is in infra/terraform/bootstrap/roles_ops.tf."
        return Denied(f"AWS does not allow {asked}: {said}", hint)
    if code in THROTTLED:
        return Unreachable(f"AWS asks to be asked less often ({asked}: {code}).", "Try it again.")
    if code in MISSING:
        return NotFound(f"AWS knows no such thing ({asked}: {said}).")
    return OpsError(f"{asked} failed: {code}: {said}")
