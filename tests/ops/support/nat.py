"""A NAT instance in moto's AWS, as modules/network makes it.

moto starts a machine at once and gives it no interface: `attach` does what the launch template
does. Not proved: how long anything takes, and that a new machine gets the interface in AWS.
"""

from collections.abc import Callable
from typing import Any

from ops.names import Names

NAME = Names("stargate", "poc").nat


class NatGroup:
    """Made at once; `attach` may be called again and again."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self.ec2, self.groups = client("ec2"), client("autoscaling")
        vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        zone = self.ec2.describe_availability_zones()["AvailabilityZones"][0]["ZoneName"]
        subnet = self.ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24", AvailabilityZone=zone)[
            "Subnet"
        ]["SubnetId"]
        tags = [{"Key": "Name", "Value": NAME}]
        made = self.ec2.create_network_interface(
            SubnetId=subnet,
            TagSpecifications=[{"ResourceType": "network-interface", "Tags": tags}],
        )
        self.interface = made["NetworkInterface"]["NetworkInterfaceId"]
        self._route(vpc)
        self._group(subnet)
        self.attach()

    def _route(self, vpc: str) -> None:
        table = self.ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        self.ec2.create_route(
            RouteTableId=table,
            DestinationCidrBlock="0.0.0.0/0",
            NetworkInterfaceId=self.interface,
        )

    def _group(self, subnet: str) -> None:
        image = self.ec2.describe_images()["Images"][0]["ImageId"]
        self.groups.create_launch_configuration(
            LaunchConfigurationName=NAME, ImageId=image, InstanceType="t4g.nano"
        )
        self.groups.create_auto_scaling_group(
            AutoScalingGroupName=NAME,
            LaunchConfigurationName=NAME,
            MinSize=1,
            MaxSize=1,
            DesiredCapacity=1,
            VPCZoneIdentifier=subnet,
        )

    @property
    def machine(self) -> str | None:
        """The group's member."""
        answer = self.groups.describe_auto_scaling_groups(AutoScalingGroupNames=[NAME])
        machines = answer["AutoScalingGroups"][0]["Instances"]
        return machines[0]["InstanceId"] if machines else None

    def detach(self) -> None:
        found = self._described().get("Attachment")
        if found:
            self.ec2.detach_network_interface(AttachmentId=found["AttachmentId"])

    def attach(self) -> None:
        """The group's member takes the interface."""
        holder = self._described().get("Attachment", {}).get("InstanceId")
        if self.machine and holder != self.machine:
            self.detach()
            self.ec2.attach_network_interface(
                NetworkInterfaceId=self.interface, InstanceId=self.machine, DeviceIndex=1
            )

    def _described(self) -> dict[str, Any]:
        found = self.ec2.describe_network_interfaces(NetworkInterfaceIds=[self.interface])
        described: dict[str, Any] = found["NetworkInterfaces"][0]
        return described
