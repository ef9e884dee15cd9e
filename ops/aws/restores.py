"""A second database, made from the backups of the first, that lives for a drill."""

from collections.abc import Mapping
from typing import Any

from ops.aws.errors import translated
from ops.context import Context
from ops.errors import NotFound


class Restore:
    """The instance of the drill, and no other. Raises OpsError, all of it."""

    def __init__(self, context: Context) -> None:
        self._client = context.aws("rds")
        self._source = context.names.database
        self.name = context.names.drill

    def instance(self) -> Mapping[str, Any] | None:
        """None when there is none."""
        try:
            with translated():
                answer = self._client.describe_db_instances(DBInstanceIdentifier=self.name)
        except NotFound:
            return None
        found: Mapping[str, Any] | None = next(iter(answer["DBInstances"]), None)
        return found

    def begin(self, like: Mapping[str, Any]) -> None:
        """From the newest moment that can be restored; as small, and in the same network."""
        groups = [one["VpcSecurityGroupId"] for one in like.get("VpcSecurityGroups", ())]
        with translated():
            self._client.restore_db_instance_to_point_in_time(
                SourceDBInstanceIdentifier=self._source,
                TargetDBInstanceIdentifier=self.name,
                UseLatestRestorableTime=True,
                DBInstanceClass=like["DBInstanceClass"],
                DBSubnetGroupName=like["DBSubnetGroup"]["DBSubnetGroupName"],
                VpcSecurityGroupIds=groups,
                MultiAZ=False,
                PubliclyAccessible=False,
                DeletionProtection=False,
                AutoMinorVersionUpgrade=False,
            )

    def delete(self) -> None:
        with translated():
            self._client.delete_db_instance(
                DBInstanceIdentifier=self.name, SkipFinalSnapshot=True, DeleteAutomatedBackups=True
            )
