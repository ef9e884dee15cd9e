"""The local stack: `python -m app.local.stack up|down|status|logs`, or `./dev` and the verb."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from app.local.files import locked
from app.local.ports import PortBusy
from app.local.postgres import PostgresError
from app.local.stack_errors import StackError
from app.local.stack_observability import OBSERVERS, stop_observers
from app.local.stack_report import environment, summary
from app.local.stack_state import DEFAULT_DIRECTORY, Options, State
from app.local.stack_status import parts, table
from app.local.stack_up import EMULATOR_STOP_SECONDS, GATEWAY_STOP_SECONDS, up

PARTS = ("gateway", "emulator", "postgres", *reversed(OBSERVERS))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    folder = argparse.ArgumentParser(add_help=False)
    folder.add_argument(
        "--state-dir", type=Path, default=DEFAULT_DIRECTORY, help="where data and logs are kept"
    )
    top = argparse.ArgumentParser(prog="./dev", description=__doc__)
    verbs = top.add_subparsers(dest="verb", required=True)
    start = verbs.add_parser("up", parents=[folder], help="start what does not run yet")
    start.add_argument("--port", type=_port, default=4000, help="for clients; 4000")
    start.add_argument("--internal-port", type=_port, default=4001, help="to administer; 4001")
    start.add_argument(
        "--bedrock",
        choices=("emulator", "aws"),
        default="emulator",
        help="what answers: the emulator, or AWS with your credentials and region",
    )
    start.add_argument(
        "--observability",
        action="store_true",
        help="VictoriaMetrics and vmalert too, from the system's packages",
    )
    verbs.add_parser("down", parents=[folder], help="stop everything; data is kept")
    verbs.add_parser("status", parents=[folder], help="exit code 0 if all is healthy")
    logs = verbs.add_parser("logs", parents=[folder], help="what the parts wrote")
    logs.add_argument("part", nargs="?", choices=PARTS, help="one part only")
    logs.add_argument("-f", "--follow", action="store_true", help="go on until interrupted")
    return top


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{port} is not between 1 and 65535")
    return port


def run_up(state: State, arguments: argparse.Namespace) -> int:
    options = Options(
        arguments.port, arguments.internal_port, arguments.bedrock, arguments.observability
    )
    if options.port == options.internal_port:
        raise StackError("--port and --internal-port must differ")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stack = up(state, options, lambda line: print(line, file=sys.stderr, flush=True))
    state.write_environment(environment(stack))
    print(summary(stack, state))
    return 0


def run_down(state: State, _arguments: argparse.Namespace) -> int:
    with locked(state.lock):
        stopped = stop_observers(state)
        stopped += [
            name
            for name, seconds in (
                ("gateway", GATEWAY_STOP_SECONDS),
                ("emulator", EMULATOR_STOP_SECONDS),
            )
            if state.daemon(name).stop(seconds)
        ]
        server = state.postgres()
        if server.pid:
            server.stop()
            stopped.append("postgres")
    print(f"Stopped: {', '.join(stopped)}; data is kept" if stopped else "Nothing was running")
    return 0


def run_status(state: State, _arguments: argparse.Namespace) -> int:
    found = parts(state)
    print(table(found))
    return 0 if all(part.health == "ok" for part in found) else 1


def run_logs(state: State, arguments: argparse.Namespace) -> int:
    names = [arguments.part] if arguments.part else PARTS
    files = [str(state.log(name)) for name in names if state.log(name).exists()]
    if not files:
        raise StackError("Nothing was logged yet; ./dev up starts the stack")
    os.execvp("tail", ["tail", "-n", "200", *(["-F"] if arguments.follow else []), *files])  # noqa: S606, S607


def main(argv: Sequence[str] | None = None) -> int:
    """Run a verb; what went wrong is said in words."""
    arguments = parser().parse_args(argv)
    verbs = {"up": run_up, "down": run_down, "status": run_status, "logs": run_logs}
    try:
        return verbs[arguments.verb](State(arguments.state_dir.absolute()), arguments)
    except (StackError, PortBusy, PostgresError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"\n{error.filename or 'The system'}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
