"""Whether the gateway lives and is ready."""

import argparse

import httpx

from ops.context import Context
from ops.errors import Misuse, Unreachable
from ops.exits import Exit
from ops.gateway import INTERNAL, PUBLIC, internal_option, public_option
from ops.result import Level, Note, Result, Section, Table

HELP = "whether it lives and is ready; the internal address says why not"
PATHS = ("/health/liveliness", "/health/readiness")
SECONDS = httpx.Timeout(15, connect=10)


def arguments(parser: argparse.ArgumentParser) -> None:
    public_option(parser)
    internal_option(parser)


def run(context: Context, args: argparse.Namespace) -> Result:
    given = (
        args.url or context.environ.get(PUBLIC),
        args.internal_url or context.environ.get(INTERNAL),
    )
    addresses = [one.rstrip("/") for one in given if one]
    if not addresses:
        raise Misuse("Where is the gateway?", f"Add --url or --internal-url, or set {PUBLIC}.")
    rows = [(address, path, *_asked(address + path)) for address in addresses for path in PATHS]
    unwell = [row for row in rows if row[2] != 200]
    sections: list[Section] = [Table("Health", ("address", "path", "status", "told"), rows)]
    sections += [Note(f"{row[0]}{row[1]}: {row[2]} {row[3]}", Level.ERROR) for row in unwell]
    return Result("Health of the gateway", sections, exit=Exit.FAILED if unwell else Exit.OK)


def _asked(url: str) -> tuple[int, str]:
    """Raises OpsError."""
    try:
        response = httpx.get(url, timeout=SECONDS)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise Misuse(f"{url} is not a valid address: {error}") from error
    except httpx.HTTPError as error:
        raise Unreachable(f"{url} does not answer: {str(error) or type(error).__name__}") from error
    return response.status_code, response.text[:300]
