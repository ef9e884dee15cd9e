"""`nat status` and `nat recover`, against moto's EC2 and Auto Scaling."""

import pytest

from ops.errors import NotFound, TimedOut
from ops.exits import Exit
from ops.result import Level
from tests.ops.support.nat import NatGroup
from tests.ops.support.world import World, changes, notes, rows


@pytest.fixture
def nat(world: World) -> NatGroup:
    return NatGroup(world.client)


def test_one_that_serves_is_well(world: World, nat: NatGroup) -> None:
    result = world.run("nat", "status", "--check")

    assert notes(result) == ["The NAT instance serves."]
    assert [row["instance"] for row in rows(result, "Machines")] == [nat.machine]
    assert [row["state"] for row in rows(result, "Routes")] == ["active"]
    assert result.exit is Exit.OK


def test_one_without_the_interface_is_not_well(world: World, nat: NatGroup) -> None:
    nat.detach()

    result = world.run("nat", "status", "--check")

    (told,) = notes(result, Level.ERROR)
    assert told == f"{nat.interface} is not held by {nat.machine}, but by nobody."
    assert result.exit is Exit.FAILED


def test_a_machine_that_is_gone_is_told(world: World, nat: NatGroup) -> None:
    nat.detach()
    nat.groups.update_auto_scaling_group(
        AutoScalingGroupName="stargate-poc-nat", MinSize=0, DesiredCapacity=0
    )

    assert "No machine is in service." in notes(world.run("nat", "status"), Level.ERROR)


def test_an_interface_that_is_gone_is_terraforms_to_make(world: World, nat: NatGroup) -> None:
    nat.detach()
    nat.ec2.delete_network_interface(NetworkInterfaceId=nat.interface)

    (told,) = notes(world.run("nat", "status"), Level.ERROR)
    assert "terraform apply" in told


def test_without_a_group_there_is_a_nat_gateway(world: World) -> None:
    with pytest.raises(NotFound, match="There is no group stargate-poc-nat"):
        world.run("nat", "status")


def test_what_serves_is_left_alone(world: World, nat: NatGroup) -> None:
    before = nat.machine

    result = world.run("nat", "recover", "--yes")

    assert changes(result) == []
    assert nat.machine == before


def test_without_yes_the_machine_stays(world: World, nat: NatGroup) -> None:
    before = nat.machine
    nat.detach()

    result = world.run("nat", "recover")

    assert result.planned
    assert changes(result) == [f"NAT instance: {before} -> a new one, which the group starts"]
    assert nat.machine == before


@pytest.mark.parametrize("words", [(), ("--replace",)])
def test_another_machine_takes_its_place(
    world: World, nat: NatGroup, words: tuple[str, ...]
) -> None:
    before = nat.machine
    if not words:
        nat.detach()
    world.clock.on_tick(nat.attach)

    result = world.run("nat", "recover", "--yes", *words)

    assert changes(result) == [f"NAT instance: {before} -> {nat.machine}"]
    assert nat.machine != before
    assert world.run("nat", "status", "--check").exit is Exit.OK


def test_a_new_machine_that_never_serves_is_told(world: World, nat: NatGroup) -> None:
    with pytest.raises(TimedOut, match="is not held by"):
        world.run("nat", "recover", "--replace", "--yes", "--timeout", "2m")
