"""`ecs scale`, with autoscaling by moto."""

import pytest

from ops.errors import Misuse, OpsError, Refused
from tests.ops.support.fake_client import Refusal, client
from tests.ops.support.fake_ecs import FakeEcs
from tests.ops.support.world import World, changes, notes

TARGET = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/stargate-poc/gateway",
    "ScalableDimension": "ecs:service:DesiredCount",
}


def scales(world: World, least: int, most: int) -> None:
    """The gateway, as Terraform lets it scale."""
    # moto wants to know the service that scales by itself.
    real = client("ecs")
    real.create_cluster(clusterName="stargate-poc")
    real.register_task_definition(family="any", containerDefinitions=[])
    real.create_service(
        cluster="stargate-poc", serviceName="gateway", taskDefinition="any", desiredCount=1
    )
    world.client("application-autoscaling").register_scalable_target(
        **TARGET, MinCapacity=least, MaxCapacity=most
    )


def bounds(world: World) -> tuple[int, int]:
    (target,) = world.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="ecs"
    )["ScalableTargets"]
    return target["MinCapacity"], target["MaxCapacity"]


def test_without_yes_it_says_from_what_to_what(world: World, ecs: FakeEcs) -> None:
    ecs.has("gateway", 1)

    result = world.run("ecs", "scale", "gateway", "2")

    assert result.planned
    assert changes(result) == ["tasks of gateway: 1 -> 2"]
    assert ecs.asked("update_service") == []


@pytest.mark.parametrize("count", [0, 1, 3])
def test_as_many_tasks_run_as_wanted(world: World, ecs: FakeEcs, count: int) -> None:
    ecs.has("gateway", 2)

    world.run("ecs", "scale", "gateway", str(count), "--yes")

    assert ecs.running["gateway"].primary.running == count


@pytest.mark.parametrize("count", ["-1", "4", "99"])
def test_other_numbers_are_refused(world: World, ecs: FakeEcs, count: str) -> None:
    ecs.has("gateway")

    with pytest.raises(Misuse):
        world.run("ecs", "scale", "gateway", "--yes", "--", count)

    assert ecs.asked("update_service") == []


def test_nothing_is_done_where_nothing_would_change(world: World, ecs: FakeEcs) -> None:
    ecs.has("gateway", 2)

    assert notes(world.run("ecs", "scale", "gateway", "2", "--yes")) == [
        "gateway has 2 tasks already."
    ]
    assert ecs.asked("update_service") == []


def test_bounds_of_autoscaling_that_would_undo_it_are_widened(world: World, ecs: FakeEcs) -> None:
    ecs.has("gateway", 2)
    scales(world, 2, 2)

    result = world.run("ecs", "scale", "gateway", "1", "--yes")

    assert "autoscaling of gateway: 2 to 2 -> 1 to 2" in changes(result)
    assert bounds(world) == (1, 2)
    assert "The next terraform apply sets its bounds again." in notes(result)


def test_bounds_that_hold_the_number_stay(world: World, ecs: FakeEcs) -> None:
    ecs.has("gateway", 2)
    scales(world, 1, 3)

    result = world.run("ecs", "scale", "gateway", "3", "--yes")

    assert bounds(world) == (1, 3)
    assert notes(result)[0] == "By its load autoscaling goes on choosing from 1 to 3 tasks."


def test_bounds_come_back_when_the_service_cannot_be_changed(world: World, ecs: FakeEcs) -> None:
    ecs.has("gateway", 1)
    scales(world, 1, 2)
    ecs.refuse["update_service"] = [Refusal("ServerException")]

    with pytest.raises(OpsError, match="ServerException"):
        world.run("ecs", "scale", "gateway", "3", "--yes")

    assert bounds(world) == (1, 2)


def test_prod_is_not_scaled_to_nothing_by_a_slip(world: World, ecs: FakeEcs) -> None:
    ecs.cluster = "stargate-prod"
    ecs.has("gateway", 2)

    with pytest.raises(Refused, match="Nothing of gateway would run in prod"):
        world.run("ecs", "scale", "gateway", "0", "--yes", "--env", "prod")
    assert ecs.running["gateway"].desired == 2

    world.run("ecs", "scale", "gateway", "0", "--yes", "--force", "--env", "prod")
    assert ecs.running["gateway"].desired == 0


def test_a_service_with_data_runs_once(world: World, ecs: FakeEcs) -> None:
    ecs.has("clickhouse")

    with pytest.raises(Misuse, match="one volume"):
        world.run("ecs", "scale", "clickhouse", "2", "--yes")
