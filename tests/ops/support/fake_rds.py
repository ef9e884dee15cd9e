"""The two things of RDS and CloudWatch that moto lacks or leaves empty."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from tests.ops.support.clock import BEGIN
from tests.ops.support.fake_client import FakeService


class FakeRds(FakeService):
    """Pending maintenance, and the database as AWS describes it; moto answers the rest."""

    service = "rds"

    def __init__(self) -> None:
        super().__init__()
        self.pending: list[dict[str, Any]] = []
        self.changed: dict[str, Any] = {}

    def describe_db_instances(self, DBInstanceIdentifier: str) -> Mapping[str, Any]:
        instance = {
            "DBInstanceIdentifier": DBInstanceIdentifier,
            "DBInstanceArn": f"arn:aws:rds:us-west-1:123456789012:db:{DBInstanceIdentifier}",
            "DBInstanceStatus": "available",
            "DBInstanceClass": "db.t4g.micro",
            "Engine": "postgres",
            "EngineVersion": "17.6",
            "AllocatedStorage": 20,
            "MaxAllocatedStorage": 100,
            "MultiAZ": False,
            "AvailabilityZone": "us-west-1a",
            "StorageEncrypted": True,
            "PubliclyAccessible": False,
            "DeletionProtection": False,
            "PendingModifiedValues": {},
            "BackupRetentionPeriod": 7,
            "PreferredBackupWindow": "07:30-08:30",
            "PreferredMaintenanceWindow": "sun:09:00-sun:10:00",
            "LatestRestorableTime": BEGIN - timedelta(minutes=5),
        }
        return {"DBInstances": [instance | self.changed]}

    def describe_pending_maintenance_actions(self, ResourceIdentifier: str) -> Mapping[str, Any]:
        resource = {
            "ResourceIdentifier": ResourceIdentifier,
            "PendingMaintenanceActionDetails": self.pending,
        }
        return {"PendingMaintenanceActions": [resource] if self.pending else []}

    def describe_events(self, Marker: str = "", **_: Any) -> Mapping[str, Any]:
        """On two pages, the older one first, as RDS does."""
        number = int(Marker or 0)
        event = {
            "SourceIdentifier": "stargate-poc",
            "SourceType": "db-instance",
            "Date": BEGIN - timedelta(hours=2 - number),
            "Message": f"event {number}",
        }
        return {"Events": [event], **({"Marker": "1"} if number == 0 else {})}


class FakeCloudWatch(FakeService):
    """Two values of each metric in `values`, on a page each."""

    service = "cloudwatch"

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, tuple[float, float]] = {}

    def get_metric_data(
        self, MetricDataQueries: Sequence[Mapping[str, Any]], NextToken: str = "", **_: Any
    ) -> Mapping[str, Any]:
        page = int(NextToken or 0)
        results = []
        for query in MetricDataQueries:
            found = self.values.get(query["MetricStat"]["Metric"]["MetricName"], ())
            values = [float(one) for one in found[page : page + 1]]
            moments = [BEGIN for _value in values]
            results.append({"Id": query["Id"], "Values": values, "Timestamps": moments})
        return {"MetricDataResults": results, **({"NextToken": "1"} if page == 0 else {})}
