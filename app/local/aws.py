"""Where the gateway gets AWS credentials from: the usual places, or what the emulator takes."""

import os
from dataclasses import dataclass, field
from typing import Self

import botocore.exceptions
import botocore.session

from app.local.ports import HOST
from app.local.stack_errors import StackError

# No secrets: they open nothing but the emulator.
EMULATED_ACCESS_KEY = "AKIDLOCALEMULATOR"
EMULATED_SECRET_KEY = "local-emulator-secret-key"  # noqa: S105
EMULATED_REGION = "us-east-1"
ADVICE = (
    "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws sso login`;\n"
    "or leave out --bedrock aws to use the emulator."
)


@dataclass(frozen=True, slots=True)
class AwsEnvironment:
    """What the gateway's environment says about AWS, and what it must not inherit."""

    region: str
    variables: dict[str, str]
    hidden: tuple[str, ...] = field(default=())

    @classmethod
    def of_emulator(cls, port: int) -> Self:
        """The emulator's own credentials, and none of the user's."""
        return cls(
            region=EMULATED_REGION,
            variables={
                "AWS_REGION": EMULATED_REGION,
                "AWS_ACCESS_KEY_ID": EMULATED_ACCESS_KEY,
                "AWS_SECRET_ACCESS_KEY": EMULATED_SECRET_KEY,
                "GATEWAY_BEDROCK_ENDPOINT": f"http://{HOST}:{port}",
            },
            hidden=("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN"),
        )


def find_aws() -> AwsEnvironment:
    """Make sure that there are credentials and a region; the gateway finds the former itself."""
    session = botocore.session.Session()
    try:
        credentials = session.get_credentials()
        if credentials is None:
            raise StackError(f"No AWS credentials were found. {ADVICE}")
        credentials.get_frozen_credentials()
    except botocore.exceptions.BotoCoreError as error:
        raise StackError(f"The AWS credentials cannot be used: {error}\n{ADVICE}") from error
    region = os.environ.get("AWS_REGION") or session.get_config_variable("region")
    if not region:
        raise StackError("No AWS region is set. Set AWS_REGION to one that has Bedrock.")
    return AwsEnvironment(region, {"AWS_REGION": region})
