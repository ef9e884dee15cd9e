"""Where the gateway is, and the key that opens its administration."""

import json
import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from scripts.user_admin.errors import Misuse, NotAllowed

LOCAL_URL = "http://127.0.0.1:4001"
LOCAL_ENVIRONMENT = Path(__file__).resolve().parents[2] / ".local" / "gateway.env"
URL = "GATEWAY_INTERNAL_URL"
KEYS = ("GATEWAY_MASTER_KEY", "LITELLM_MASTER_KEY")
FROM_AWS = "GATEWAY_MASTER_KEY_SECRET"
FIELDS = (*KEYS, "master_key")

HELP = f"""\
Set {KEYS[0]}, or {FROM_AWS} to the name or ARN of the secret in AWS Secrets Manager
that holds it. An administrator's key does as well."""


def address(environment: Mapping[str, str]) -> str:
    return environment.get(URL) or _local().get(URL) or LOCAL_URL


def master_key(environment: Mapping[str, str]) -> str:
    """Of the environment, of Secrets Manager, or that of `./dev up`. Raises Failure."""
    for name in KEYS:
        if environment.get(name):
            return environment[name]
    if environment.get(FROM_AWS):
        return _from_secrets_manager(environment[FROM_AWS])
    # A gateway elsewhere never gets the key of the one here.
    local = _local()
    if local.get(KEYS[0]) and address(environment) == local.get(URL):
        return local[KEYS[0]]
    raise Misuse(f"There is no key to administer with.\n{HELP}")


def _local() -> dict[str, str]:
    """What `./dev up` wrote."""
    try:
        lines = LOCAL_ENVIRONMENT.read_text().splitlines()
    except OSError:
        return {}
    words = (word for line in lines for word in shlex.split(line) if "=" in word)
    return dict(word.split("=", 1) for word in words)


def _from_secrets_manager(name: str) -> str:
    """The text of a secret, or a field of it where it is JSON."""
    try:
        client = Session().create_client("secretsmanager")
        text: str = client.get_secret_value(SecretId=name).get("SecretString", "")
    except (BotoCoreError, ClientError) as error:
        raise NotAllowed(f"Secrets Manager does not give {name}: {error}") from error
    try:
        fields = json.loads(text)
    except ValueError:
        return text.strip()
    if isinstance(fields, dict):
        for field in FIELDS:
            if fields.get(field):
                return str(fields[field])
    raise NotAllowed(f"The secret {name} holds none of {', '.join(FIELDS)}.")


def from_process() -> tuple[str, str]:
    """Address and key for this run."""
    return address(os.environ), master_key(os.environ)
