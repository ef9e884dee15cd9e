"""What services wrote: shown, followed, or downloaded."""

import argparse
import os
from collections import deque
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

from ops import services
from ops.aws.logs import Entry, Logs, Which
from ops.context import Context
from ops.durations import duration
from ops.errors import Misuse, Refused
from ops.names import Names
from ops.plain import plain
from ops.result import Facts, Result, Text

HELP = "show, follow or download what a service wrote"
LAG: Final = timedelta(seconds=30)
POLL_SECONDS: Final = 3
KEPT_LINES: Final = 500
"""Of what was shown as it came, so many stand in the result again."""
DATABASE: Final = "database"
EXEC: Final = "exec"


def arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("service", help="a service or task; `database`; `exec` for the record of sessions")
    add("--since", type=duration, default=timedelta(hours=1), help="how far back (1h)")
    add("--until", type=duration, help="up to so long ago; without, up to now")
    add("--filter", help="CloudWatch's filter pattern, such as ERROR or { $.status = 500 }")
    add("--task", help="id of one task")
    add("--follow", action="store_true", help="go on until Ctrl-C, or --timeout")
    add("--file", type=Path, help="download to a file, which must not exist yet")


def run(context: Context, args: argparse.Namespace) -> Result:
    if args.follow and (args.file or args.until):
        raise Misuse("--follow goes with neither --file nor --until.")
    if args.until and args.until >= args.since:
        raise Misuse("--until is not after --since.", "Both count back from now.")
    if args.service == EXEC and context.in_workflow:
        raise Refused("The record of sessions may hold secrets; a workflow does not show it.")
    which = Which(_group(context.names, args.service), args.filter, _streams(args))
    logs, now = Logs(context), context.clock()
    start = now - args.since
    title = f"Log of {args.service} in {context.names.prefix}"
    if args.follow:
        return _shown(context, title, _following(context, logs.follow(which, start, LAG)))
    entries = logs.between(which, start, now - (args.until or timedelta(0)))
    if args.file:
        return _download(title, entries, args.file)
    return _shown(context, title, entries)


def _group(names: Names, service: str) -> str:
    if service == DATABASE:
        return f"/aws/rds/instance/{names.database}/postgresql"
    if service == EXEC:
        return names.log_group(EXEC)
    known = services.everything()
    return names.log_group(services.find(service, among=known).name)


def _streams(args: argparse.Namespace) -> tuple[str, ...]:
    """The stream of one task's main container, as the awslogs driver names it."""
    if args.task is None:
        return ()
    if args.service in (DATABASE, EXEC):
        raise Misuse(f"{args.service} has no tasks.")
    return (f"{args.service}/{args.service}/{args.task}",)


def _following(context: Context, entries: Iterator[Entry | None]) -> Iterator[Entry]:
    end = context.clock() + timedelta(seconds=context.limit(float("1e8")))
    for entry in entries:
        if entry is not None:
            yield entry
        elif context.clock() >= end:
            return
        else:
            context.sleep(POLL_SECONDS)


def _shown(context: Context, title: str, entries: Iterator[Entry]) -> Result:
    last: deque[str] = deque(maxlen=KEPT_LINES)
    for entry in entries:
        context.emit(str(entry))
        last.append(str(entry))
    return Result(title, [Text("Entries", list(last), streamed=True)])


def _download(title: str, entries: Iterator[Entry], path: Path) -> Result:
    """To a file that only its owner reads, complete or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    if path.exists():
        raise Refused(f"{path} is there already.", "Choose another name.")
    count = 0
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            for entry in entries:
                file.write(f"{plain(str(entry))}\n")
                count += 1
        partial.replace(path)
    except OSError as error:
        raise Misuse(f"{path} cannot be written: {error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return Result(title, [Facts("Download", [("file", str(path)), ("entries", count)])])
