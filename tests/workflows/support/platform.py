"""What runs in moto's AWS: a cluster with the gateway, its log, and the database.

moto keeps a deployment in progress for ever, and a task for some looks; here both are done at once.
It does not know of maintenance of databases; here there is none.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest

from ops.names import Names

REGION = "us-west-1"
POC = Names("stargate", "poc")
IMAGE = "123456789012.dkr.ecr.us-west-1.amazonaws.com/stargate-poc/gateway"
ROWS = ("started", "ERROR no budget", "::error title=forged::from a log line")


@contextmanager
def serving() -> Iterator[str]:
    """Address of an AWS whose deployments succeed at once."""
    # Late, since every worker imports this file, and few run moto.
    from moto.core.responses import ActionResult
    from moto.ecs.models import EC2ContainerServiceBackend
    from moto.moto_api import state_manager
    from moto.rds.responses import RDSResponse
    from moto.server import ThreadedMotoServer

    describe = EC2ContainerServiceBackend.describe_services

    def finished(self: Any, *arguments: Any, **named: Any) -> Any:
        for service in self.services.values():
            service.running_count, service.pending_count = service.desired_count, 0
            for deployment in service.deployments:
                deployment["rolloutState"] = "COMPLETED"
        return describe(self, *arguments, **named)

    def none(response: Any) -> ActionResult:
        del response
        return ActionResult({"PendingMaintenanceActions": []})

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EC2ContainerServiceBackend, "describe_services", finished)
        patch.setattr(RDSResponse, "describe_pending_maintenance_actions", none, raising=False)
        state_manager.set_transition("ecs::task", {"progression": "immediate"})
        server.start()
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
        server.stop()
        state_manager.unset_transition("ecs::task")


class Platform:
    """The platform's poc, and what became of it."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.ecs, self.logs = self.client("ecs"), self.client("logs")

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self._address,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    def make(self) -> None:
        ec2 = self.client("ec2")
        vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        self.ecs.create_cluster(clusterName=POC.cluster)
        for service in ("gateway", "gateway-migrate"):
            self._define(service)
        network = {
            "subnets": [ec2.describe_subnets()["Subnets"][0]["SubnetId"]],
            "securityGroups": [ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]],
        }
        self.ecs.create_service(
            cluster=POC.cluster,
            serviceName="gateway",
            taskDefinition=POC.family("gateway"),
            desiredCount=1,
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": network},
        )
        self._log("gateway")
        self.client("rds").create_db_instance(
            DBInstanceIdentifier=POC.database,
            DBInstanceClass="db.t4g.micro",
            Engine="postgres",
            PubliclyAccessible=False,
        )

    def _define(self, service: str) -> None:
        container = {"name": service, "image": f"{IMAGE}:0.1.0", "memory": 512, "cpu": 256}
        self.ecs.register_task_definition(
            family=POC.family(service),
            containerDefinitions=[container],
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
        )

    def _log(self, service: str) -> None:
        group = {"logGroupName": POC.log_group(service)}
        stream = {**group, "logStreamName": f"{service}/{service}/0123"}
        now = int(time.time() * 1000)
        self.logs.create_log_group(**group)
        self.logs.create_log_stream(**stream)
        self.logs.put_log_events(
            **stream,
            logEvents=[{"timestamp": now - 60_000, "message": one} for one in ROWS],
        )

    @property
    def gateway(self) -> dict[str, Any]:
        """The gateway's service, as ECS tells of it."""
        found = self.ecs.describe_services(cluster=POC.cluster, services=["gateway"])
        return dict(found["services"][0])

    @property
    def image(self) -> str:
        """What the gateway's service runs."""
        told = self.ecs.describe_task_definition(taskDefinition=self.gateway["taskDefinition"])
        return str(told["taskDefinition"]["containerDefinitions"][0]["image"])
