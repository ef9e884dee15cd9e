"""Clients of AWS, once it is certain whose account it is."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from botocore.config import Config

from ops.aws.errors import translated
from ops.errors import Credentials

ACCOUNT: Final = "STARGATE_ACCOUNT_ID"
CONFIG: Final = Config(
    connect_timeout=5,
    read_timeout=30,
    retries={"mode": "standard", "max_attempts": 5},
    user_agent_extra="stargate-ops",
)


class Aws:
    """Makes clients by the name of their service, each once."""

    def __init__(self, region: str, environ: Mapping[str, str], say: Callable[[str], None]) -> None:
        self._region = region
        self._expected = environ.get(ACCOUNT)
        self._say = say
        self._clients: dict[str, Any] = {}

    def __call__(self, service: str) -> Any:
        if not self._clients:
            self._verify_account()
        return self._client(service)

    def _client(self, service: str) -> Any:
        import boto3  # it takes a third of a second, which --help need not wait for

        if service not in self._clients:
            with translated():
                made = boto3.client(service, region_name=self._region, config=CONFIG)
            self._clients[service] = made
        return self._clients[service]

    def _verify_account(self) -> None:
        sts = self._client("sts")
        with translated():
            caller = sts.get_caller_identity()
        account = caller["Account"]
        if self._expected and account != self._expected:
            self._clients.clear()
            raise Credentials(
                f"These credentials are of account {account}; the environment is in "
                f"{self._expected}.",
                f"Nothing was done. Change AWS_PROFILE, or {ACCOUNT} if that is wrong.",
            )
        self._say(f"as {caller['Arn']} in {self._region}")
