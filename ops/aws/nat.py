"""The NAT instance: its group, the interface that outlives it, and the routes through that."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ops.aws.errors import translated
from ops.context import Context
from ops.errors import NotFound

ACTIVITIES = 10


@dataclass(frozen=True, slots=True)
class Machine:
    """A member of the group."""

    id: str
    zone: str
    state: str
    health: str

    @property
    def serves(self) -> bool:
        return (self.state, self.health) == ("InService", "Healthy")


@dataclass(frozen=True, slots=True)
class Activity:
    """What the group did, or could not."""

    at: datetime
    status: str
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Way:
    """The interface, who holds it, and the routes to it by their state."""

    interface: str
    holder: str | None
    routes: tuple[tuple[str, str], ...]


class Nat:
    """Raises OpsError, all of it."""

    def __init__(self, context: Context) -> None:
        self._groups = context.aws("autoscaling")
        self._network = context.aws("ec2")
        self._name = context.names.nat

    def machines(self) -> list[Machine]:
        """Raises NotFound where the environment has a NAT gateway instead."""
        client = self._groups
        with translated():
            answer = client.describe_auto_scaling_groups(AutoScalingGroupNames=[self._name])
        for group in answer["AutoScalingGroups"]:
            return [_machine(one) for one in group["Instances"]]
        raise NotFound(
            f"There is no group {self._name}.",
            "The environment has no NAT instance: its NAT gateway is AWS's to mend.",
        )

    def activities(self) -> list[Activity]:
        """The newest first."""
        client = self._groups
        with translated():
            answer = client.describe_scaling_activities(
                AutoScalingGroupName=self._name, MaxRecords=ACTIVITIES
            )
        return [
            Activity(
                one["StartTime"],
                one["StatusCode"],
                one.get("Description", ""),
                one.get("StatusMessage", ""),
            )
            for one in answer["Activities"]
        ]

    def way(self) -> Way | None:
        """None where the interface is gone."""
        client = self._network
        named = [{"Name": "tag:Name", "Values": [self._name]}]
        with translated():
            found = client.describe_network_interfaces(Filters=named)["NetworkInterfaces"]
            if not found:
                return None
            interface = found[0]["NetworkInterfaceId"]
            through = [{"Name": "vpc-id", "Values": [found[0]["VpcId"]]}]
            tables = client.describe_route_tables(Filters=through)["RouteTables"]
        routes = [
            (table["RouteTableId"], route.get("State", "unknown"))
            for table in tables
            for route in table["Routes"]
            if route.get("NetworkInterfaceId") == interface
        ]
        holder = found[0].get("Attachment", {}).get("InstanceId")
        return Way(interface, holder, tuple(routes))

    def replace(self, machine: Machine) -> None:
        """End it; the group, which wants one machine, starts another."""
        client = self._groups
        with translated():
            client.terminate_instance_in_auto_scaling_group(
                InstanceId=machine.id, ShouldDecrementDesiredCapacity=False
            )


def _machine(raw: Mapping[str, Any]) -> Machine:
    return Machine(
        raw["InstanceId"], raw["AvailabilityZone"], raw["LifecycleState"], raw["HealthStatus"]
    )
