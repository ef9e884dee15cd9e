"""Whether the database could be restored.

A second instance is made from the backups, asked what was spent, compared with the first, and
deleted. No step names the first one but to read it.
"""

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from ops import guard
from ops.accounts import Account, account
from ops.aws.rds import Rds
from ops.aws.restores import Restore
from ops.context import Context
from ops.durations import words
from ops.errors import OpsError, TimedOut
from ops.exits import Exit
from ops.result import Change, Facts, Level, Note, Result, Section, Table

HELP = "restore the database to a second instance, compare what was spent, and delete it"
POLL_SECONDS: Final = 5
USUAL_SECONDS: Final = 90 * 60


def arguments(parser: argparse.ArgumentParser) -> None:
    del parser  # the instance of a drill has one name, and nothing else is to be chosen


def run(context: Context, args: argparse.Namespace) -> Result:
    del args
    source, restore = Rds(context).instance(), Restore(context)
    newest = source.get("LatestRestorableTime")
    if newest is None or not source["BackupRetentionPeriod"]:
        raise OpsError(f"{context.names.database} has no backups that it could be restored from.")
    remains = restore.instance()
    before = "left by an earlier drill" if remains else "none"
    changes = [Change(f"instance {restore.name}", before, "restored, compared, deleted")]
    notes = [Note(f"{context.names.database} is read and not touched. It takes an hour or less.")]
    title = f"Restore drill of {context.names.database}"
    if planned := guard.plan(context, title, changes, notes=notes):
        return planned
    if remains:
        _delete(context, restore)
    began = context.clock()
    with _restored(context, restore, source) as copy:
        took = context.clock() - began
        found = account(context, newest, copy["Endpoint"]["Address"])
        expected = account(context, newest, None)
    facts = Facts(
        "Drill",
        [
            ("restored up to", newest),
            ("would have been lost", words(began - newest)),
            ("restored in", words(took)),
            ("last request in it", found.last),
        ],
    )
    same = found.sums == expected.sums
    return Result(
        title,
        [facts, _compared(found, expected), *notes, _verdict(expected, same=same)],
        changes,
        exit=Exit.OK if same else Exit.FAILED,
    )


@contextmanager
def _restored(
    context: Context, restore: Restore, source: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """The copy, which is deleted whatever happens. Raises OpsError."""
    restore.begin(source)
    try:
        yield _await(context, restore)
    finally:
        _delete(context, restore)


def _await(context: Context, restore: Restore) -> Mapping[str, Any]:
    for status, instance in _states(context, restore):
        if status == "available" and instance is not None:
            return instance
        if status.startswith(("failed", "incompatible")):
            raise OpsError(f"{restore.name} is {status}.")
    raise TimedOut(f"{restore.name} is not available in time.", "It is deleted.")


def _delete(context: Context, restore: Restore) -> None:
    deleting = False
    for status, _ in _states(context, restore):
        if status == "gone":
            return
        # While it is being created it cannot be deleted.
        if not deleting and status != "creating":
            restore.delete()
            deleting = True
    raise TimedOut(f"{restore.name} is not gone in time.", "See that it goes: it costs money.")


def _states(context: Context, restore: Restore) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    """What RDS says of it, again and again until it is too late."""
    began, said = context.clock(), ""
    while (context.clock() - began).total_seconds() <= context.limit(USUAL_SECONDS):
        instance = restore.instance()
        status = instance["DBInstanceStatus"] if instance else "gone"
        if status != said:
            said = status
            context.say(f"{restore.name}: {status}")
        yield status, instance
        context.sleep(POLL_SECONDS)


def _compared(found: Account, expected: Account) -> Table:
    rows = [("restored", *found.sums), ("running", *expected.sums)]
    return Table(
        f"From {expected.first:%F %R} to {expected.end:%F %R}",
        ("database", "requests", "USD"),
        rows,
    )


def _verdict(expected: Account, *, same: bool) -> Section:
    if not same:
        return Note("What was spent is not the same in both.", Level.ERROR)
    if not expected.requests:
        return Note("There were no requests to compare.", Level.WARNING)
    return Note(f"All {expected.requests} requests are there, to the last digit of their cost.")
