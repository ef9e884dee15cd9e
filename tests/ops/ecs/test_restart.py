"""`ecs restart`, and waiting for a rollout."""

from collections.abc import Mapping
from typing import Any

import pytest

from ops.errors import Denied, Misuse, Refused, TimedOut, Unreachable
from ops.rollout import FailedDeployment
from tests.ops.support.fake_client import Refusal
from tests.ops.support.fake_ecs import FakeEcs
from tests.ops.support.world import World, changes, notes


def test_without_yes_nothing_is_changed(world: World, ecs: FakeEcs) -> None:
    ecs.has("gateway", 2)

    result = world.run("ecs", "restart", "gateway")

    assert result.planned
    assert changes(result) == [
        "tasks of gateway: 2 of stargate-poc-gateway:1 -> new ones of the same"
    ]
    assert ecs.asked("update_service") == []


def test_the_tasks_are_replaced_by_others_of_the_same_revision(world: World, ecs: FakeEcs) -> None:
    before = ecs.has("gateway", 2).primary

    result = world.run("ecs", "restart", "gateway", "--yes")

    after = ecs.running["gateway"].primary
    assert (after.revision, after.running) == (before.revision, 2)
    assert after.id != before.id
    assert notes(result)[-1].startswith("gateway is stable after ")


def test_each_change_of_state_is_told_once_while_waiting(world: World, ecs: FakeEcs) -> None:
    ecs.has("gateway")

    world.run("ecs", "restart", "gateway", "--yes")

    assert world.said == list(dict.fromkeys(world.said))
    assert any(
        "ECS says: (service gateway) has reached a steady state." in one for one in world.said
    )
    assert any("1 start" in one for one in world.said)


def test_waiting_ends_when_the_deployment_fails(world: World, ecs: FakeEcs) -> None:
    service = ecs.has("gateway")
    ecs.broken.add(service.primary.revision)

    with pytest.raises(FailedDeployment, match="circuit breaker") as raised:
        world.run("ecs", "restart", "gateway", "--yes")

    assert "CannotPullContainerError: no such image" in raised.value.hint
    assert "failed to start" in raised.value.hint


def test_waiting_ends_at_the_limit(world: World, ecs: FakeEcs) -> None:
    ecs.has("gateway")

    with pytest.raises(TimedOut, match="not stable after 5s"):
        world.run("ecs", "restart", "gateway", "--yes", "--timeout", "5")


def test_a_deployment_of_somebody_else_ends_the_wait(world: World, ecs: FakeEcs) -> None:
    ecs.has("gateway")
    ecs.register_task_definition(**ecs.definitions["stargate-poc-gateway"][0]["taskDefinition"])

    def interfere() -> None:
        if ecs.clock.slept == 1:
            ecs.update_service("stargate-poc", "gateway", taskDefinition="stargate-poc-gateway:2")

    ecs.clock.on_tick(interfere)

    with pytest.raises(FailedDeployment, match="replaced by one of stargate-poc-gateway:2"):
        world.run("ecs", "restart", "gateway", "--yes")


def test_answers_of_before_are_not_taken_for_the_new_state(world: World, ecs: FakeEcs) -> None:
    ecs.has("gateway")
    before = ecs.describe_services("stargate-poc", ["gateway"])
    now = ecs.describe_services

    def late(cluster: str, services: list[str]) -> Mapping[str, Any]:
        stale = ecs.asked("update_service") and ecs.clock.slept < 3
        return before if stale else now(cluster, services)

    ecs.describe_services = late  # type: ignore[method-assign,assignment]

    world.run("ecs", "restart", "gateway", "--yes")

    assert ecs.clock.slept >= 3


def test_a_moment_without_answers_is_waited_out(world: World, ecs: FakeEcs) -> None:
    ecs.has("gateway")
    ecs.clock.on_tick(
        lambda: (
            ecs.refuse.update(describe_services=[Refusal("ThrottlingException")])
            if ecs.clock.slept < 4
            else None
        )
    )

    world.run("ecs", "restart", "gateway", "--yes")

    assert any("Asking again" in one for one in world.said)


def test_answers_that_stay_away_end_the_wait(world: World, ecs: FakeEcs) -> None:
    ecs.has("gateway")
    ecs.clock.on_tick(lambda: ecs.refuse.update(describe_services=[Refusal("ThrottlingException")]))

    with pytest.raises(Unreachable, match="ThrottlingException"):
        world.run("ecs", "restart", "gateway", "--yes")


def test_what_the_role_may_not_do_is_told(world: World, ecs: FakeEcs) -> None:
    ecs.has("gateway")
    ecs.refuse["update_service"] = [Refusal("AccessDeniedException", "not authorized")]

    with pytest.raises(Denied, match="UpdateService: not authorized") as raised:
        world.run("ecs", "restart", "gateway", "--yes")

    assert "roles_ops.tf" in raised.value.hint


def test_all_services_take_a_second_word(world: World, ecs: FakeEcs) -> None:
    ecs.has("gateway")
    ecs.has("grafana")

    with pytest.raises(Refused, match="2 services"):
        world.run("ecs", "restart", "--all", "--yes")

    assert ecs.asked("update_service") == []
    assert "It needs --force." in notes(world.run("ecs", "restart", "--all"))[-1]


def test_all_are_restarted_one_after_the_other(world: World, ecs: FakeEcs) -> None:
    for name in ("victoria-metrics", "gateway", "grafana"):
        ecs.has(name)

    result = world.run("ecs", "restart", "--all", "--yes", "--force")

    stable = [one.split()[0] for one in notes(result) if "is stable" in one]
    assert stable == ["gateway", "grafana", "victoria-metrics"]
    assert "victoria-metrics keeps data: it stops before it starts again." in notes(result)


def test_after_a_failure_the_others_are_left_alone(world: World, ecs: FakeEcs) -> None:
    ecs.broken.add(ecs.has("gateway").primary.revision)
    ecs.has("grafana")

    with pytest.raises(FailedDeployment):
        world.run("ecs", "restart", "--all", "--yes", "--force")

    assert [one["service"] for one in ecs.asked("update_service")] == ["gateway"]


def test_a_service_without_tasks_has_nothing_to_restart(world: World, ecs: FakeEcs) -> None:
    ecs.has("grafana", 0)

    result = world.run("ecs", "restart", "grafana", "--yes")

    assert notes(result) == ["grafana has no tasks to restart."]
    assert ecs.asked("update_service") == []


@pytest.mark.parametrize("words", [(), ("gateway", "--all")])
def test_one_service_or_all_must_be_said(world: World, words: tuple[str, ...]) -> None:
    with pytest.raises(Misuse):
        world.run("ecs", "restart", *words)
