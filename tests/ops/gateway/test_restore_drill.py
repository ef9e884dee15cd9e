"""`rds restore-drill`: RDS and its backups by moto, both databases on a real PostgreSQL.

What RDS restores is a copy that the test makes when it is asked to.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from app.database.migrate import migrate
from ops.errors import OpsError
from ops.exits import Exit
from ops.result import Level
from tests.ops.support.clock import BEGIN
from tests.ops.support.fake_definitions import definition
from tests.ops.support.fake_drill import Drill, booked
from tests.ops.support.fake_ecs import FakeEcs
from tests.ops.support.fake_logs import FakeLogs
from tests.ops.support.tasks import OneOffs
from tests.ops.support.world import World, changes, facts, notes, rows
from tests.support.instance import Instance, rds_instance

PASSWORD = "of-the-role"
GROUP = "/stargate-poc/database-setup"


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    with rds_instance() as found:
        assert found.set_up(GATEWAY_PASSWORD=PASSWORD).returncode == 0
        migrate(found.url("gateway", PASSWORD))
        booked(found, PASSWORD, BEGIN - timedelta(days=1), 3)
        booked(found, PASSWORD, BEGIN - timedelta(minutes=7), 1)
        yield found


@pytest.fixture
def drill(world: World, ecs: FakeEcs, instance: Instance) -> Iterator[Drill]:
    ecs.has("gateway")
    ecs.register_task_definition(**definition("stargate-poc-database-setup", "database-setup"))
    logs = FakeLogs()
    logs.groups[GROUP] = []
    world.fakes["logs"] = logs

    def written(task: str, lines: Any) -> None:
        for line in lines:
            at = int(world.clock().timestamp() * 1000)
            logs.wrote(GROUP, f"database-setup/database-setup/{task}", at, line)

    one_offs = OneOffs(instance, lambda: PASSWORD, written)
    ecs.on_run.append(one_offs.run)
    made = Drill(instance, one_offs, world.clock)
    world.fakes["rds"] = made
    yield made
    made.clean_up()


def test_without_yes_nothing_is_restored(world: World, drill: Drill) -> None:
    result = world.run("rds", "restore-drill")

    assert result.planned
    assert changes(result) == ["instance stargate-poc-drill: none -> restored, compared, deleted"]
    assert drill.asked("restore_db_instance_to_point_in_time") == []


def test_a_copy_is_made_compared_and_deleted(world: World, drill: Drill) -> None:
    result = world.run("rds", "restore-drill", "--yes")

    assert notes(result)[-1] == "All 3 requests are there, to the last digit of their cost."
    assert facts(result, "Drill")["would have been lost"] == "5m"
    assert facts(result, "Drill")["restored in"] == "20s"
    restored, running = result.sections[1].rows  # type: ignore[union-attr]
    assert restored[1:] == running[1:]
    assert drill.copy is None
    assert result.exit is Exit.OK


def test_the_copy_is_private_and_nothing_is_left_of_it(world: World, drill: Drill) -> None:
    world.run("rds", "restore-drill", "--yes")

    (asked,) = drill.asked("restore_db_instance_to_point_in_time")
    assert asked["PubliclyAccessible"] is False
    assert asked["DBSubnetGroupName"] == "stargate-poc"
    assert asked["VpcSecurityGroupIds"] == ["sg-database"]
    (deleted,) = drill.asked("delete_db_instance")
    assert deleted["DBInstanceIdentifier"] == "stargate-poc-drill"
    assert deleted["DeleteAutomatedBackups"] is True


def test_a_request_that_is_missing_fails_the_drill(world: World, drill: Drill) -> None:
    drill.after_restore = "DELETE FROM spend_log WHERE request_id LIKE '%-0'"

    result = world.run("rds", "restore-drill", "--yes")

    assert notes(result, Level.ERROR) == ["What was spent is not the same in both."]
    assert result.exit is Exit.FAILED
    assert drill.copy is None


def test_a_failure_in_the_middle_leaves_no_copy(world: World, drill: Drill) -> None:
    drill.one_offs.fails = [1]

    with pytest.raises(OpsError, match="database-setup ended with exit code 1"):
        world.run("rds", "restore-drill", "--yes")

    assert drill.copy is None


def test_a_copy_that_fails_is_deleted(world: World, drill: Drill) -> None:
    drill.states = ["creating", "incompatible-restore"]

    with pytest.raises(OpsError, match="incompatible-restore"):
        world.run("rds", "restore-drill", "--yes")

    assert drill.copy is None


def test_what_an_earlier_drill_left_goes_first(world: World, drill: Drill) -> None:
    drill.copy = ["available"]

    result = world.run("rds", "restore-drill", "--yes")

    assert "left by an earlier drill" in changes(result)[0]
    assert len(drill.asked("delete_db_instance")) == 2


def test_a_database_without_backups_is_told(world: World, drill: Drill) -> None:
    drill.changed = {"BackupRetentionPeriod": 0}

    with pytest.raises(OpsError, match="has no backups"):
        world.run("rds", "restore-drill", "--yes")


def test_rows_name_both_databases(world: World, drill: Drill) -> None:
    result = world.run("rds", "restore-drill", "--yes")

    title = "From 2026-11-16 10:55 to 2026-11-23 10:55"
    assert [row["database"] for row in rows(result, title)] == ["restored", "running"]
