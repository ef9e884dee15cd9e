"""From a command line to a command and back to an exit code."""

import argparse
import sys

from scripts.user_admin import arguments
from scripts.user_admin.client import Client
from scripts.user_admin.commands import COMMANDS, options_of
from scripts.user_admin.credentials import from_process
from scripts.user_admin.errors import Failure
from scripts.user_admin.output import show

INTERRUPTED = 130


def run(argv: list[str], prog: str = "users") -> int:
    """The exit code; what is said goes to stdout, what went wrong to stderr."""
    parser = arguments.parser(prog)
    given = parser.parse_args(argv or ["help"])
    if given.command == "help":
        return _help(parser, given.topic)
    try:
        with Client(*from_process()) as client:
            result = COMMANDS[given.command](client, options_of(given))
    except Failure as failure:
        sys.stderr.write(f"{failure}\n")
        return failure.code
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        return INTERRUPTED
    show(result, as_json=getattr(given, "json", False))
    return result.code


def _help(parser: argparse.ArgumentParser, topic: str | None) -> int:
    if topic is None:
        parser.print_help()
    else:
        parser.parse_args([topic, "--help"])
    return 0
