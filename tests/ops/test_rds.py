"""`rds status`."""

from datetime import timedelta

import pytest

from ops.exits import Exit
from ops.result import Level
from tests.ops.support.clock import BEGIN
from tests.ops.support.fake_rds import FakeCloudWatch, FakeRds
from tests.ops.support.world import World, facts, notes, rows

WELL = {
    "CPUUtilization": (10.0, 30.0),
    "DatabaseConnections": (12.0, 14.0),
    "FreeableMemory": (3e8, 4e8),
    "FreeStorageSpace": (1.5e10, 1.6e10),
    "ReadLatency": (0.001, 0.003),
    "WriteLatency": (0.002, 0.004),
    "DiskQueueDepth": (0.0, 0.1),
}


@pytest.fixture
def rds(world: World) -> FakeRds:
    made, metrics = FakeRds(), FakeCloudWatch()
    metrics.values = dict(WELL)
    world.fakes |= {"rds": made, "cloudwatch": metrics}
    return made


def metric(world: World, name: str, values: tuple[float, float]) -> None:
    fake = world.fakes["cloudwatch"]
    assert isinstance(fake, FakeCloudWatch)
    fake.values[name] = values


def test_a_database_that_is_well_is_shown_whole(world: World, rds: FakeRds) -> None:
    result = world.run("rds", "status")

    assert notes(result) == ["The database is well."]
    assert facts(result, "Instance")["engine"] == "postgres 17.6"
    assert facts(result, "Backups")["can be restored up to"] == BEGIN - timedelta(minutes=5)
    assert [row["event"] for row in rows(result, "Events of the last day")] == [
        "event 1",
        "event 0",
    ]
    assert {row["verdict"] for row in rows(result, "Metrics")} == {"fine"}


def test_metrics_have_least_mean_and_most_of_all_pages(world: World, rds: FakeRds) -> None:
    cpu = rows(world.run("rds", "status"), "Metrics")[0]

    assert (cpu["least"], cpu["mean"], cpu["most"]) == (10.0, 20.0, 30.0)


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("CPUUtilization", (85.0, 95.0), "CPU, %: high."),
        ("FreeStorageSpace", (1e9, 1e10), "free storage, MiB: low."),
        ("FreeableMemory", (3e7, 3e8), "free memory, MiB: low."),
        ("ReadLatency", (0.05, 0.06), "read latency, ms: high."),
    ],
)
def test_what_is_not_fine_has_a_word(
    world: World, rds: FakeRds, name: str, values: tuple[float, float], told: str
) -> None:
    metric(world, name, values)

    result = world.run("rds", "status", "--check")

    assert notes(result, Level.WARNING) == [told]
    assert result.exit is Exit.FAILED


def test_metrics_without_data_are_told_as_such(world: World, rds: FakeRds) -> None:
    fake = world.fakes["cloudwatch"]
    assert isinstance(fake, FakeCloudWatch)
    fake.values = {}

    result = world.run("rds", "status")

    assert {row["verdict"] for row in rows(result, "Metrics")} == {"no data"}


def test_pending_maintenance_is_told(world: World, rds: FakeRds) -> None:
    rds.pending = [
        {"Action": "system-update", "Description": "New kernel", "AutoAppliedAfterDate": BEGIN}
    ]

    assert rows(world.run("rds", "status"), "Pending maintenance") == [
        {"action": "system-update", "what": "New kernel", "due": BEGIN}
    ]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"DBInstanceStatus": "storage-full"}, "The database is storage-full."),
        ({"BackupRetentionPeriod": 0}, "There are no backups."),
        (
            {"LatestRestorableTime": BEGIN - timedelta(days=3)},
            "It can be restored up to 2026-11-20",
        ),
    ],
)
def test_a_state_that_is_not_well_is_an_error(
    world: World, rds: FakeRds, changed: dict[str, object], told: str
) -> None:
    rds.changed = changed

    (error,) = notes(world.run("rds", "status"), Level.ERROR)

    assert error.startswith(told)
