"""`secrets rotate-master-key`: a real gateway, Secrets Manager by moto, a cluster that takes time.

Where ECS would start new tasks, the test starts the gateway again with what the secret holds then.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops.errors import OpsError, RolledBack
from ops.exits import Exit
from tests.ops.support.fake_ecs import FakeEcs
from tests.ops.support.tasks import GatewayTask
from tests.ops.support.world import World, changes, notes
from tests.support.processes import MASTER_KEY
from tests.support.stack import Stack

NAME = "stargate-poc/gateway/master-key"


@pytest.fixture
def tasks(world: World, stack: Stack, ecs: FakeEcs, tmp_path: Path) -> Iterator[GatewayTask]:
    world.client("secretsmanager").create_secret(Name=NAME, SecretString=MASTER_KEY)
    ecs.has("gateway", 1)
    addresses = (stack.database_url, stack.emulator.url)
    with ExitStack() as running:
        made = GatewayTask(running, tmp_path, addresses, lambda: master_key(current(world)))
        ecs.on_stable.append(made.replace)
        world.environ["GATEWAY_INTERNAL_URL"] = made.process.internal_url
        yield made


def master_key(key: str) -> dict[str, str]:
    return {"GATEWAY_MASTER_KEY": key}


def current(world: World) -> str:
    # moto takes a secret's first version for the current one unless it is asked for by stage.
    secrets = world.client("secretsmanager")
    answer = secrets.get_secret_value(SecretId=NAME, VersionStage="AWSCURRENT")
    return str(answer["SecretString"])


def stages(world: World) -> dict[str, str]:
    versions = world.client("secretsmanager").describe_secret(SecretId=NAME)["VersionIdsToStages"]
    return {stage: version for version, found in versions.items() for stage in found}


def rotate(world: World, *words: str) -> list[str]:
    return changes(world.run("secrets", "rotate-master-key", *words))


def test_without_yes_the_key_stays(world: World, tasks: GatewayTask) -> None:
    result = world.run("secrets", "rotate-master-key")

    assert result.planned
    assert current(world) == MASTER_KEY
    assert set(stages(world)) == {"AWSCURRENT"}


def test_the_new_key_opens_and_the_old_one_does_not(world: World, tasks: GatewayTask) -> None:
    rotate(world, "--yes")

    new = current(world)
    assert new.startswith("sk-")
    assert len(new) > 40
    assert tasks.process.try_as(new, "GET", "/key/list").status_code == 200
    assert tasks.process.try_as(MASTER_KEY, "GET", "/key/list").status_code == 401
    assert "AWSPENDING" not in stages(world)


def test_developers_keys_go_on_working(world: World, tasks: GatewayTask, stack: Stack) -> None:
    developer = stack.gateway.new_key()

    rotate(world, "--yes")

    assert tasks.process.try_as(developer, "GET", "/v1/models").status_code == 200


def test_no_key_is_shown(world: World, tasks: GatewayTask) -> None:
    result = world.run("secrets", "rotate-master-key", "--yes")

    shown = str(result) + "".join(world.said)
    assert current(world) not in shown
    assert MASTER_KEY not in shown


def test_a_restart_that_fails_brings_the_old_key_back(
    world: World, tasks: GatewayTask, ecs: FakeEcs
) -> None:
    revision = ecs.running["gateway"].primary.revision
    ecs.broken.add(revision)
    ecs.clock.on_tick(
        lambda: (
            ecs.broken.clear()
            if ecs.running["gateway"].rollouts[1:]
            and ecs.running["gateway"].rollouts[1].state == "FAILED"
            else None
        )
    )

    with pytest.raises(RolledBack, match="The old key counts again") as raised:
        rotate(world, "--yes")

    assert raised.value.exit is Exit.ROLLED_BACK
    assert current(world) == MASTER_KEY
    assert "AWSPENDING" not in stages(world)
    assert tasks.process.try_as(MASTER_KEY, "GET", "/key/list").status_code == 200


def test_a_gateway_that_keeps_the_old_key_brings_it_back(world: World, tasks: GatewayTask) -> None:
    tasks.settings = lambda: master_key(MASTER_KEY)

    with pytest.raises(RolledBack, match="401 to the new key and 200 to the old one"):
        rotate(world, "--yes")

    assert current(world) == MASTER_KEY


def test_a_gateway_that_knows_another_key_is_left_alone(world: World, tasks: GatewayTask) -> None:
    world.client("secretsmanager").put_secret_value(SecretId=NAME, SecretString="sk-another-one")

    with pytest.raises(OpsError, match="answers 401 to the key that the secret holds"):
        rotate(world, "--yes")

    assert current(world) == "sk-another-one"


def test_a_key_that_is_younger_than_asked_for_stays(world: World, tasks: GatewayTask) -> None:
    world.clock.now = datetime.now(UTC) + timedelta(hours=1)

    result = world.run("secrets", "rotate-master-key", "--older-than", "1d", "--yes")

    assert changes(result) == []
    assert "old: nothing to do." in notes(result)[0]
    assert current(world) == MASTER_KEY
