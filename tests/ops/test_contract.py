"""The fake cluster and moto's answer the adapters alike, as far as moto goes.

moto's deployments never end and have no events, so that waiting is tried on the fake alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from ops.aws.ecs import Ecs
from ops.aws.task_definitions import TaskDefinitions
from ops.errors import NotFound, OpsError
from tests.ops.support.fake_client import client
from tests.ops.support.fake_definitions import definition
from tests.ops.support.fake_ecs import FakeEcs
from tests.ops.support.world import World

FAMILY = "stargate-poc-gateway"
NAMES = tuple(f"service-{number:02}" for number in range(12))


@dataclass
class Cloud:
    """A cluster, and a way to fill it."""

    world: World
    has: Callable[[str], Any]
    register: Callable[[dict[str, Any]], Any]

    @property
    def ecs(self) -> Ecs:
        return Ecs(self.world.context)

    @property
    def revisions(self) -> TaskDefinitions:
        return TaskDefinitions(self.world.context)


@pytest.fixture(params=["fake", "moto"])
def cloud(request: pytest.FixtureRequest, world: World, ecs: FakeEcs) -> Cloud:
    if request.param == "fake":
        return Cloud(world, ecs.has, lambda given: ecs.register_task_definition(**given))
    del world.fakes["ecs"]
    moto = client("ecs")
    moto.create_cluster(clusterName="stargate-poc")

    def has(name: str) -> None:
        family = f"stargate-poc-{name}"
        moto.register_task_definition(**definition(family, name))
        moto.create_service(
            cluster="stargate-poc", serviceName=name, taskDefinition=family, desiredCount=1
        )

    return Cloud(world, has, lambda given: moto.register_task_definition(**given))


def test_all_services_are_listed_over_pages(cloud: Cloud) -> None:
    for name in NAMES:
        cloud.has(name)

    assert cloud.ecs.service_names() == sorted(NAMES)
    assert [one.name for one in cloud.ecs.services(NAMES)] == sorted(NAMES)


def test_a_service_has_one_deployment_of_its_revision(cloud: Cloud) -> None:
    cloud.has("gateway")

    state = cloud.ecs.service("gateway")

    assert (state.status, state.desired, state.revision) == ("ACTIVE", 1, f"{FAMILY}:1")
    assert [one.is_primary for one in state.deployments] == [True]


def test_a_service_that_is_not_there_is_not_found(cloud: Cloud) -> None:
    with pytest.raises(NotFound):
        cloud.ecs.service("gateway")
    with pytest.raises(NotFound):
        cloud.ecs.update("gateway", desiredCount=1)


def test_the_number_of_tasks_is_changed(cloud: Cloud) -> None:
    cloud.has("gateway")

    assert cloud.ecs.update("gateway", desiredCount=3).desired == 3
    assert cloud.ecs.service("gateway").desired == 3


def test_a_revision_can_be_registered_again_with_another_image(cloud: Cloud) -> None:
    cloud.has("gateway")
    before = cloud.revisions.get(f"{FAMILY}:1")

    made = cloud.revisions.register(before.with_image("gateway", "example/gateway:2"))

    after = cloud.revisions.get(made.arn)
    assert (made.name, after.image("gateway")) == (f"{FAMILY}:2", "example/gateway:2")
    for field in ("family", "cpu", "memory", "networkMode", "executionRoleArn", "tags"):
        assert after.request[field] == before.request[field], field


def test_a_service_takes_the_revision(cloud: Cloud) -> None:
    cloud.has("gateway")
    cloud.register(definition(FAMILY, "gateway"))

    state = cloud.ecs.update("gateway", taskDefinition=f"{FAMILY}:2")

    assert state.revision.endswith(f"{FAMILY}:2")


def test_revisions_are_numbered_from_the_newest(cloud: Cloud) -> None:
    for _ in range(12):
        cloud.register(definition(FAMILY, "gateway"))
    cloud.register(definition(f"{FAMILY}-migrate", "gateway-migrate"))

    assert cloud.revisions.numbers(FAMILY) == list(range(12, 0, -1))
    assert cloud.revisions.before(f"{FAMILY}:12", None).name == f"{FAMILY}:11"
    assert cloud.revisions.before(f"{FAMILY}:12", 3).name == f"{FAMILY}:3"


def test_a_revision_that_is_not_there_is_an_error(cloud: Cloud) -> None:
    with pytest.raises(OpsError):
        cloud.revisions.get(f"{FAMILY}:7")


def test_a_cluster_that_is_not_there_is_not_found(cloud: Cloud) -> None:
    object.__setattr__(cloud.world.context, "environment", "prod")

    with pytest.raises(NotFound):
        cloud.ecs.cluster()
    with pytest.raises(NotFound):
        cloud.ecs.service_names()
