"""Where the gateway is, and its API for administration, as scripts/users speaks it."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ops.aws.secrets import Secret
from ops.context import Context
from ops.errors import Denied, Misuse, NotFound, OpsError, Unreachable
from scripts.user_admin import errors as admin
from scripts.user_admin.client import Client

PUBLIC: Final = "GATEWAY_URL"
INTERNAL: Final = "GATEWAY_INTERNAL_URL"
MASTER_KEY: Final = "GATEWAY_MASTER_KEY"
SECRET: Final = "gateway/master-key"  # noqa: S105 - the name of one
KINDS: Final[dict[type[admin.Failure], type[OpsError]]] = {
    admin.Misuse: Misuse,
    admin.NotAllowed: Denied,
    admin.NotThere: NotFound,
    admin.Unreachable: Unreachable,
}


def public_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", help=f"the gateway's address (or {PUBLIC})")


def internal_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--internal-url", help=f"its internal address (or {INTERNAL})")


def public_url(context: Context, args: argparse.Namespace) -> str:
    """Raises Misuse."""
    return _address(args.url or context.environ.get(PUBLIC), "--url", PUBLIC)


def internal_url(context: Context, args: argparse.Namespace) -> str:
    """Raises Misuse."""
    given = args.internal_url or context.environ.get(INTERNAL)
    return _address(given, "--internal-url", INTERNAL)


def _address(given: str | None, option: str, variable: str) -> str:
    if not given:
        raise Misuse("Where is the gateway?", f"Add {option}, or set {variable}.")
    if not given.startswith(("http://", "https://")):
        raise Misuse(f"{given} is not a valid address.", "It begins with https:// or http://.")
    return given.rstrip("/")


def master_key(context: Context) -> str:
    """From the environment, or from Secrets Manager. Raises OpsError."""
    given = context.environ.get(MASTER_KEY)
    return given or Secret(context, context.names.secret(SECRET)).current().text


@contextmanager
def administration(context: Context, url: str) -> Iterator[Client]:
    """The API on the internal port, with the master key. Raises OpsError."""
    with translated(), Client(url, master_key(context)) as client:
        yield client


@contextmanager
def translated() -> Iterator[None]:
    """What the API's client raises within becomes an OpsError."""
    try:
        yield
    except admin.Failure as failure:
        raise KINDS.get(type(failure), OpsError)(str(failure)) from failure
