"""From a command line to a command, and from what it returns to an exit code."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NoReturn

from ops.aws.session import Aws
from ops.commands import COMMANDS, GROUPS, Command
from ops.context import ENVIRONMENTS, REGIONS, Context, unnamed
from ops.durations import duration
from ops.errors import Interrupted, Misuse, OpsError
from ops.exits import Exit
from ops.reporters import REPORTERS, Reporter

ABOUT: Final = "Runs the platform. Reads are safe; writes show what they would do, and need --yes."
SHARED: Final = "options of all commands"
EPILOG: Final = "docs/ops.md tells of all commands and exit codes."


class Parser(argparse.ArgumentParser):
    """Raises Misuse where argparse would end the process."""

    def error(self, message: str) -> NoReturn:
        raise Misuse(message, self.format_usage().strip())


def main(argv: Sequence[str], environ: Mapping[str, str] | None = None) -> int:
    """The exit code. Nothing else prints or exits."""
    known = os.environ if environ is None else environ
    reporter = _reporter(None, known)
    try:
        args = parser().parse_args(argv)
        reporter = _reporter(getattr(args, "output", None), known)
        command: Command = args.chosen
        result = command.run(_context(args, known, reporter), args)
        reporter.result(result)
        sys.stdout.flush()
    except OpsError as error:
        reporter.failure(error)
        return error.exit
    except KeyboardInterrupt:
        reporter.failure(Interrupted("Interrupted.", "What was begun in AWS goes on by itself."))
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # Whoever read has enough; Python would complain of it once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    return result.exit


def parser() -> argparse.ArgumentParser:
    """The tree of all commands."""
    top = Parser(prog="ops", description=ABOUT, epilog=EPILOG, allow_abbrev=False)
    shared_options(top.add_argument_group(SHARED).add_argument)
    words = top.add_subparsers(metavar="COMMAND", required=True)
    groups = {
        name: words.add_parser(name, help=told, description=told).add_subparsers(
            metavar="COMMAND", required=True
        )
        for name, told in GROUPS.items()
    }
    for path, command in COMMANDS.items():
        *group, name = path.split()
        place = groups[group[0]] if group else words
        made = place.add_parser(
            name, help=command.HELP, description=command.HELP, allow_abbrev=False
        )
        shared_options(made.add_argument_group(SHARED).add_argument)
        command.arguments(made)
        made.set_defaults(chosen=command)
    return top


def shared_options(add: Callable[..., object]) -> None:
    """Taken before and after the command; the one after it counts."""
    # Without SUPPRESS the command's defaults would replace what stands before the command.
    unset = argparse.SUPPRESS
    add("--env", choices=ENVIRONMENTS, default=unset, help="environment (or STARGATE_ENV)")
    add("--output", choices=tuple(REPORTERS), default=unset, help="how to show the result")
    add("--region", default=unset, help="AWS region (or AWS_REGION; else the environment's)")
    add("--timeout", type=duration, default=unset, help="longest wait, such as 90s or 15m")
    add("--yes", action="store_true", default=unset, help="do it; without, writes only show")
    add("--force", action="store_true", default=unset, help="do it although much would change")


def _reporter(name: str | None, environ: Mapping[str, str]) -> Reporter:
    usual = "github" if environ.get("GITHUB_ACTIONS") else "table"
    return REPORTERS[name or usual](sys.stdout, sys.stderr, environ)


def _context(args: argparse.Namespace, environ: Mapping[str, str], reporter: Reporter) -> Context:
    given = vars(args)
    environment = given.get("env") or environ.get("STARGATE_ENV") or None
    if environment not in (None, *ENVIRONMENTS):
        raise Misuse(f"STARGATE_ENV is {environment!r}; there are {', '.join(ENVIRONMENTS)}.")
    region = (
        given.get("region")
        or environ.get("AWS_REGION")
        or environ.get("AWS_DEFAULT_REGION")
        or REGIONS[environment or ENVIRONMENTS[0]]
    )
    return Context(
        environment=environment,
        project=environ.get("STARGATE_PROJECT") or "stargate",
        region=region,
        aws=Aws(region, environ, reporter.say) if environment else _no_aws,
        clock=lambda: datetime.now(UTC),
        sleep=time.sleep,
        say=reporter.say,
        emit=reporter.line,
        environ=environ,
        yes=given.get("yes", False),
        force=given.get("force", False),
        timeout=given["timeout"].total_seconds() if "timeout" in given else None,
    )


def _no_aws(service: str) -> NoReturn:
    """In AWS everything belongs to an environment."""
    del service
    raise unnamed()
