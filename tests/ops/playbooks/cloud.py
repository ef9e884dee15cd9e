"""The platform in moto's AWS, whose doings are real: its gateway and its databases are processes.

What moto does not do, as it has no tasks and no machines, is done here when it is asked to: tasks
are run, the gateway is replaced, a database is copied, a machine takes its interface. Not proved:
how long any of it takes in AWS.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from ops.names import Names
from tests.ops.support.nat import NatGroup
from tests.ops.support.tasks import GatewayTask, OneOffs
from tests.support.instance import Instance
from tests.support.processes import MASTER_KEY
from tests.workflows.support.platform import Platform

POC = Names("stargate", "poc")
PASSWORD = "the-first-password"
SECRETS = {"gateway/database": PASSWORD, "gateway/master-key": MASTER_KEY}
SETUP = "database-setup"
COPY = "drill"


class Cloud(Platform):
    """The poc, and what became of it."""

    gateway_task: GatewayTask
    nat: NatGroup

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address

    def make_all(self, instance: Instance, bedrock: str, folder: Path, running: ExitStack) -> None:
        self.make()
        self._define(SETUP)
        self.logs.create_log_group(logGroupName=POC.log_group(SETUP))
        for name, value in SECRETS.items():
            self.client("secretsmanager").create_secret(Name=POC.secret(name), SecretString=value)
        self.instance = instance
        self.one_offs = OneOffs(instance, lambda: self.secret("gateway/database"), self._wrote)
        self._database()
        self.nat = NatGroup(self.client)
        address = f"postgresql://gateway@{instance.host}:{instance.port}/gateway"
        self.gateway_task = GatewayTask(running, folder, (address, bedrock), self._settings)

    def secret(self, name: str) -> str:
        found = self.client("secretsmanager").get_secret_value(
            SecretId=POC.secret(name), VersionStage="AWSCURRENT"
        )
        return str(found["SecretString"])

    def deploy_another(self) -> None:
        """A revision that differs in nothing."""
        self._define("gateway")
        self.ecs.update_service(
            cluster=POC.cluster, service="gateway", taskDefinition=f"{POC.family('gateway')}:2"
        )

    def databases(self) -> list[str]:
        found = self.client("rds").describe_db_instances()["DBInstances"]
        return sorted(one["DBInstanceIdentifier"] for one in found)

    def _settings(self) -> dict[str, str]:
        return {
            "PGPASSWORD": self.secret("gateway/database"),
            "GATEWAY_MASTER_KEY": self.secret("gateway/master-key"),
            "GATEWAY_DATABASE_TIMEOUT_SECONDS": "1",
        }

    def _database(self) -> None:
        """Once more, in a subnet group as Terraform makes it."""
        rds, ec2 = self.client("rds"), self.client("ec2")
        rds.delete_db_instance(DBInstanceIdentifier=POC.database, SkipFinalSnapshot=True)
        subnets = [one["SubnetId"] for one in ec2.describe_subnets()["Subnets"]]
        rds.create_db_subnet_group(
            DBSubnetGroupName=POC.prefix,
            DBSubnetGroupDescription="Private subnets",
            SubnetIds=subnets,
        )
        rds.create_db_instance(
            DBInstanceIdentifier=POC.database,
            DBInstanceClass="db.t4g.micro",
            DBSubnetGroupName=POC.prefix,
            Engine="postgres",
            BackupRetentionPeriod=7,
            PubliclyAccessible=False,
        )

    def _wrote(self, task: str, lines: Sequence[str]) -> None:
        stream = {
            "logGroupName": POC.log_group(SETUP),
            "logStreamName": f"{SETUP}/{SETUP}/{task}",
        }
        self.logs.create_log_stream(**stream)
        events = [{"timestamp": int(time.time() * 1000), "message": line} for line in lines if line]
        self.logs.put_log_events(**stream, logEvents=events)

    def replaced(self) -> None:
        """ECS starts new tasks."""
        self.gateway_task.replace()

    def ran(self, tasks: list[Any]) -> None:
        """ECS runs a task, to its end."""
        (task,) = tasks
        (container,) = task.overrides["containerOverrides"]
        code = self.one_offs.run(task.task_arn.rpartition("/")[2], container)
        task.last_status = task.desired_status = "STOPPED"
        task.containers[0].exitCode = code

    def restored(self, made: Any) -> None:
        """RDS copies the database."""
        self.instance.keep(f"DROP DATABASE IF EXISTS {COPY} WITH (FORCE)")
        # A template may have no sessions; those of the gateway open again by themselves.
        for statement in (
            "ALTER DATABASE gateway ALLOW_CONNECTIONS false",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'gateway'",
            f"CREATE DATABASE {COPY} TEMPLATE gateway OWNER gateway ALLOW_CONNECTIONS true",
            "ALTER DATABASE gateway ALLOW_CONNECTIONS true",
        ):
            self.instance.keep(statement)
        self.one_offs.databases[made.endpoint["Address"]] = COPY


@contextmanager
def doing(cloud: Cloud) -> Iterator[None]:
    """What is asked of moto is done."""
    from moto.autoscaling.models import AutoScalingBackend
    from moto.ecs.models import EC2ContainerServiceBackend
    from moto.rds.models import RDSBackend

    with pytest.MonkeyPatch.context() as patch:
        _after(patch, EC2ContainerServiceBackend, "update_service", lambda _: cloud.replaced())
        _after(patch, EC2ContainerServiceBackend, "run_task", cloud.ran)
        _after(patch, AutoScalingBackend, "terminate_instance", lambda _: cloud.nat.attach())
        _after(patch, RDSBackend, "restore_db_instance_to_point_in_time", cloud.restored)
        yield


def _after(patch: pytest.MonkeyPatch, owner: type, name: str, then: Callable[[Any], None]) -> None:
    """Also do that, with what the method made."""
    before = getattr(owner, name)

    def both(self: Any, *arguments: Any, **named: Any) -> Any:
        made = before(self, *arguments, **named)
        then(made)
        return made

    patch.setattr(owner, name, both)
