"""Signature Version 4 for Bedrock, by botocore's own signer."""

from collections.abc import Mapping

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

SERVICE = "bedrock"


def signed_headers(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    credentials: ReadOnlyCredentials,
    region: str,
) -> dict[str, str]:
    """`headers` with the signature; the request must be sent to exactly this `url`."""
    request = AWSRequest("POST", url, headers=dict(headers), data=body)
    SigV4Auth(credentials, SERVICE, region).add_auth(request)
    return dict(request.headers.items())
