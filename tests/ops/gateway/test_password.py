"""`secrets rotate-database-password`: PostgreSQL as RDS makes it, its own gateway, moto's secrets.

Where ECS would run the task database-setup, psql runs its file; where it would start new tasks, the
gateway is started again with what the secret holds then.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.database.migrate import migrate
from ops.errors import OpsError, RolledBack
from tests.ops.support.fake_definitions import definition
from tests.ops.support.fake_ecs import FakeEcs
from tests.ops.support.tasks import GatewayTask, OneOffs
from tests.ops.support.world import World, changes, notes
from tests.support.asking import message
from tests.support.instance import Instance, rds_instance
from tests.support.stack import Stack

NAME = "stargate-poc/gateway/database"
FIRST = "the-first-password"
QUICK = {"GATEWAY_DATABASE_TIMEOUT_SECONDS": "1"}


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    with rds_instance() as found:
        assert found.set_up(GATEWAY_PASSWORD=FIRST).returncode == 0
        migrate(found.url("gateway", FIRST))
        yield found


@pytest.fixture
def one_offs(world: World, ecs: FakeEcs, instance: Instance) -> OneOffs:
    instance.set_up(GATEWAY_PASSWORD=FIRST)
    world.client("secretsmanager").create_secret(Name=NAME, SecretString=FIRST)
    ecs.register_task_definition(**definition("stargate-poc-database-setup", "database-setup"))
    made = OneOffs(instance, lambda: current(world), lambda _task, _lines: None)
    ecs.on_run.append(made.run)
    return made


@pytest.fixture
def tasks(
    world: World, stack: Stack, ecs: FakeEcs, one_offs: OneOffs, tmp_path: Path
) -> Iterator[GatewayTask]:
    ecs.has("gateway", 1)
    instance = one_offs.instance
    database = f"postgresql://gateway@{instance.host}:{instance.port}/gateway"
    with ExitStack() as running:
        made = GatewayTask(
            running,
            tmp_path,
            (database, stack.emulator.url),
            lambda: {"PGPASSWORD": current(world), **QUICK},
        )
        ecs.on_stable.append(made.replace)
        world.environ["GATEWAY_INTERNAL_URL"] = made.process.internal_url
        yield made


def current(world: World) -> str:
    secrets = world.client("secretsmanager")
    return str(secrets.get_secret_value(SecretId=NAME, VersionStage="AWSCURRENT")["SecretString"])


def rotate(world: World, *words: str) -> Any:
    return world.run("secrets", "rotate-database-password", *words)


def opens(instance: Instance, password: str) -> bool:
    try:
        psycopg.connect(instance.url("gateway", password)).close()
    except psycopg.OperationalError:
        return False
    return True


def test_without_yes_the_password_stays(
    world: World, tasks: GatewayTask, instance: Instance
) -> None:
    result = rotate(world)

    assert [change.what for change in result.changes] == [
        f"secret {NAME}",
        "role gateway",
        "tasks of gateway",
    ]
    assert result.planned
    assert opens(instance, FIRST)


def test_the_new_password_opens_and_the_old_one_does_not(
    world: World, tasks: GatewayTask, instance: Instance
) -> None:
    rotate(world, "--yes")

    assert current(world) != FIRST
    assert opens(instance, current(world))
    assert not opens(instance, FIRST)
    assert message(tasks.process, tasks.process.new_key()).status_code == 200


def test_old_tasks_answer_on_by_the_connections_that_they_have(
    world: World, tasks: GatewayTask, one_offs: OneOffs
) -> None:
    key = tasks.process.new_key()
    for _ in range(3):
        assert message(tasks.process, key).status_code == 200
    asked: list[tuple[bool, int]] = []

    def ask() -> None:
        changed = not opens(one_offs.instance, FIRST)
        asked.append((changed, message(tasks.process, key).status_code))

    world.clock.on_tick(ask)

    rotate(world, "--yes")

    assert {status for _, status in asked} == {200}
    assert {changed for changed, _ in asked} == {True}


def test_no_password_is_shown(world: World, tasks: GatewayTask) -> None:
    result = rotate(world, "--yes")

    shown = str(result) + "".join(world.said)
    assert current(world) not in shown
    assert FIRST not in shown


@pytest.mark.parametrize("broken", ["setup", "gateway"])
def test_a_failure_brings_the_old_password_back(
    world: World, tasks: GatewayTask, one_offs: OneOffs, broken: str
) -> None:
    if broken == "setup":
        one_offs.fails = [1]
    else:
        tasks.settings = wrong_once(tasks.settings)

    with pytest.raises(RolledBack, match="The old password counts again"):
        rotate(world, "--yes")

    assert current(world) == FIRST
    assert opens(one_offs.instance, FIRST)
    assert message(tasks.process, tasks.process.new_key()).status_code == 200


def wrong_once(settings: Callable[[], Any]) -> Callable[[], dict[str, str]]:
    """The next start gets a password that nobody knows."""
    answers = iter([{"PGPASSWORD": "wrong", **QUICK}])
    return lambda: next(answers, None) or settings()


def test_a_gateway_without_its_database_is_left_alone(world: World, tasks: GatewayTask) -> None:
    tasks.settings = lambda: {"PGPASSWORD": "wrong", **QUICK}
    tasks.replace()

    with pytest.raises(OpsError, match="does not reach its database"):
        rotate(world, "--yes")

    assert current(world) == FIRST


def test_a_password_that_is_younger_than_asked_for_stays(world: World, tasks: GatewayTask) -> None:
    world.clock.now = datetime.now(UTC) + timedelta(hours=1)

    result = rotate(world, "--older-than", "1d", "--yes")

    assert changes(result) == []
    assert "old: nothing to do." in notes(result)[0]
