"""The database: its state, its last hour, what is planned, its backups, its events."""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from ops.aws.rds import Range, Rds
from ops.context import Context
from ops.durations import duration
from ops.exits import Exit
from ops.result import Facts, Level, Note, Result, Section, Table

HELP = "instance, metrics, pending maintenance, backups and events"
OLD_BACKUP: Final = timedelta(hours=26)
MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric, and from where on it is not fine; the bounds are those of the alarms, if any."""

    name: str
    label: str
    scale: float = 1
    high: float | None = None
    low: float | None = None

    def word(self, found: Range) -> str:
        """`high` is about the mean, as peaks pass; `low` about the least."""
        if found.mean is None or found.least is None:
            return "no data"
        if self.high is not None and found.mean >= self.high:
            return "high"
        return "low" if self.low is not None and found.least < self.low else "fine"


METRICS: Final = (
    Metric("CPUUtilization", "CPU, %", high=80),
    Metric("DatabaseConnections", "connections", high=90),  # a db.t4g.micro takes about 110
    Metric("FreeableMemory", "free memory, MiB", MIB, low=64 * MIB),
    Metric("FreeStorageSpace", "free storage, MiB", MIB, low=2 * 1024 * MIB),
    Metric("ReadLatency", "read latency, ms", 0.001, high=0.02),
    Metric("WriteLatency", "write latency, ms", 0.001, high=0.02),
    Metric("DiskQueueDepth", "waiting for the disk", high=10),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--since", type=duration, default=timedelta(hours=1), help="period of the metrics (1h)")
    add("--check", action="store_true", help="exit 1 if something is not well")


def run(context: Context, args: argparse.Namespace) -> Result:
    rds, now = Rds(context), context.clock()
    instance = rds.instance()
    measured = rds.metrics([one.name for one in METRICS], now - args.since)
    maintenance = rds.maintenance(instance["DBInstanceArn"])
    problems = [*_problems(instance, now), *_off(measured)]
    sections: list[Section] = [
        _instance(instance),
        Table(
            "Metrics",
            ("metric", "least", "mean", "most", "verdict"),
            [(m.label, *_scaled(m, measured[m.name]), m.word(measured[m.name])) for m in METRICS],
        ),
        Table(
            "Pending maintenance",
            ("action", "what", "due"),
            [(one.action, one.description, one.due) for one in maintenance],
        ),
        _backups(instance),
        Table(
            "Events of the last day",
            ("at", "event"),
            [(one.at, one.message) for one in rds.events(now - timedelta(days=1))],
        ),
        *(problems or [Note("The database is well.")]),
    ]
    failed = args.check and bool(problems)
    title = f"Database {context.names.database}"
    return Result(title, sections, exit=Exit.FAILED if failed else Exit.OK)


def _instance(instance: Mapping[str, Any]) -> Facts:
    return Facts(
        "Instance",
        [
            ("status", instance["DBInstanceStatus"]),
            ("class", instance["DBInstanceClass"]),
            ("engine", f"{instance['Engine']} {instance['EngineVersion']}"),
            ("storage GB", instance["AllocatedStorage"]),
            ("grows to GB", instance.get("MaxAllocatedStorage")),
            ("standby", instance["MultiAZ"]),
            ("zone", instance.get("AvailabilityZone")),
            ("encrypted", instance["StorageEncrypted"]),
            ("public", instance["PubliclyAccessible"]),
            ("deletion protection", instance.get("DeletionProtection")),
            ("pending changes", ", ".join(instance.get("PendingModifiedValues") or ())),
        ],
    )


def _backups(instance: Mapping[str, Any]) -> Facts:
    return Facts(
        "Backups",
        [
            ("kept, days", instance["BackupRetentionPeriod"]),
            ("window", instance.get("PreferredBackupWindow")),
            ("can be restored up to", instance.get("LatestRestorableTime")),
            ("maintenance window", instance.get("PreferredMaintenanceWindow")),
        ],
    )


def _scaled(metric: Metric, found: Range) -> tuple[float | None, ...]:
    values = (found.least, found.mean, found.most)
    return tuple(None if value is None else value / metric.scale for value in values)


def _problems(instance: Mapping[str, Any], now: datetime) -> Iterator[Note]:
    if instance["DBInstanceStatus"] != "available":
        yield Note(f"The database is {instance['DBInstanceStatus']}.", Level.ERROR)
    restorable = instance.get("LatestRestorableTime")
    if not instance["BackupRetentionPeriod"]:
        yield Note("There are no backups.", Level.ERROR)
    elif restorable and now - restorable > OLD_BACKUP:
        yield Note(f"It can be restored up to {restorable:%Y-%m-%d %H:%M} only.", Level.ERROR)


def _off(measured: Mapping[str, Range]) -> Iterator[Note]:
    for metric in METRICS:
        word = metric.word(measured[metric.name])
        if word in ("high", "low"):
            yield Note(f"{metric.label}: {word}.", Level.WARNING)
