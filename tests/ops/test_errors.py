"""What goes wrong in AWS has a kind, and so an exit code."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from ops.aws.errors import of_answer, translated
from ops.errors import Credentials, Denied, NotFound, OpsError, Unreachable


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ExpiredToken", Credentials),
        ("ExpiredTokenException", Credentials),
        ("UnrecognizedClientException", Credentials),
        ("InvalidClientTokenId", Credentials),
        ("AccessDenied", Denied),
        ("AccessDeniedException", Denied),
        ("ThrottlingException", Unreachable),
        ("TooManyRequestsException", Unreachable),
        ("ServiceNotFoundException", NotFound),
        ("ResourceNotFoundException", NotFound),
        ("DBInstanceNotFound", NotFound),
        ("InvalidParameterException", OpsError),
    ],
)
def test_an_answer_of_aws_is_the_error_that_it_means(code: str, kind: type[OpsError]) -> None:
    error = of_answer(ClientError({"Error": {"Code": code, "Message": "so it is"}}, "Ask"))

    assert type(error) is kind
    assert "Ask" in error.message


def test_no_answer_is_an_error_too() -> None:
    with pytest.raises(Unreachable), translated():
        raise EndpointConnectionError(endpoint_url="https://ecs.example.com")
    with pytest.raises(Credentials, match="Unable to locate"), translated():
        raise NoCredentialsError


def test_what_is_wrong_in_the_code_itself_stays_what_it_is() -> None:
    with pytest.raises(ZeroDivisionError), translated():
        raise ZeroDivisionError
