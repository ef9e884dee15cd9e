"""`ecs status`."""

import pytest

from ops.errors import NotFound
from ops.exits import Exit
from ops.result import Level
from tests.ops.support.fake_ecs import FakeEcs
from tests.ops.support.world import World, facts, notes, rows

NAMES = ("gateway", "grafana", "victoria-metrics", "vmalert", "alertmanager", "clickhouse")


def test_all_services_are_shown_however_many_pages_they_take(world: World, ecs: FakeEcs) -> None:
    ecs.page = 2
    for name in NAMES:
        ecs.has(name)

    result = world.run("ecs", "status")

    assert [row["service"] for row in rows(result, "Services")] == sorted(NAMES)
    assert len(rows(result, "Tasks")) == len(NAMES)
    assert facts(result, "Cluster")["services"] == len(NAMES)
    assert notes(result) == ["All services are stable."]


def test_more_than_ten_services_are_asked_for_in_portions(world: World, ecs: FakeEcs) -> None:
    for number in range(23):
        ecs.has(f"service-{number:02}")

    assert len(rows(world.run("ecs", "status"), "Services")) == 23


def test_a_service_that_lacks_tasks_is_pointed_out(world: World, ecs: FakeEcs) -> None:
    ecs.has("gateway", 2).primary.running = 1

    result = world.run("ecs", "status")

    assert notes(result, Level.WARNING) == ["gateway runs 1 of 2 tasks."]
    assert result.exit is Exit.OK
    assert world.run("ecs", "status", "--check").exit is Exit.FAILED


def test_a_failed_deployment_is_an_error(world: World, ecs: FakeEcs) -> None:
    service = ecs.has("gateway")
    ecs.broken.add(service.primary.revision)
    world.client("ecs").update_service(
        cluster="stargate-poc", service="gateway", forceNewDeployment=True
    )
    ecs.step()
    ecs.step()

    (error,) = notes(world.run("ecs", "status"), Level.ERROR)

    assert "circuit breaker" in error


def test_an_unknown_service_is_told_with_those_there_are(world: World) -> None:
    with pytest.raises(NotFound) as raised:
        world.run("ecs", "status", "gatewai")

    assert raised.value.hint.startswith("Did you mean gateway? There are gateway, ")
    assert "gateway-migrate" not in raised.value.hint, "it is no service, it runs once"


def test_a_service_that_this_environment_does_not_run_is_told(world: World, ecs: FakeEcs) -> None:
    ecs.has("gateway")

    with pytest.raises(NotFound, match="poc runs no service clickhouse") as raised:
        world.run("ecs", "status", "clickhouse")

    assert raised.value.hint == "It runs gateway."


def test_a_cluster_that_is_missing_is_told(world: World) -> None:
    with pytest.raises(NotFound):
        world.run("ecs", "status", "--env", "prod")


@pytest.mark.parametrize("name", ["../gateway", "gateway; rm -rf /", "::error::x", "GATEWAY", ""])
def test_a_hostile_name_never_reaches_aws(world: World, ecs: FakeEcs, name: str) -> None:
    ecs.has("gateway")

    with pytest.raises(NotFound):
        world.run("ecs", "restart", name or " ", "--yes")

    assert ecs.calls == []
