"""The database instance, and what CloudWatch measured of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ops.aws.errors import translated
from ops.context import Context
from ops.errors import NotFound

PERIOD_SECONDS: Final = 300
STATISTICS: Final = ("Minimum", "Average", "Maximum")


@dataclass(frozen=True, slots=True)
class Range:
    """The least, the mean and the most of a metric; None where nothing was measured."""

    least: float | None
    mean: float | None
    most: float | None


@dataclass(frozen=True, slots=True)
class Happening:
    """An event of RDS."""

    at: datetime
    message: str


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Something that RDS is going to do."""

    action: str
    description: str
    due: datetime | None


class Rds:
    """Raises OpsError, all of it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._client = context.aws("rds")
        self._name = context.names.database

    def instance(self) -> Mapping[str, Any]:
        with translated():
            answer = self._client.describe_db_instances(DBInstanceIdentifier=self._name)
        for found in answer["DBInstances"]:
            instance: Mapping[str, Any] = found
            return instance
        raise NotFound(f"There is no database {self._name}.")

    def maintenance(self, arn: str) -> list[Maintenance]:
        with translated():
            answer = self._client.describe_pending_maintenance_actions(ResourceIdentifier=arn)
        return [
            Maintenance(
                one["Action"],
                one.get("Description", ""),
                one.get("CurrentApplyDate") or one.get("AutoAppliedAfterDate"),
            )
            for resource in answer["PendingMaintenanceActions"]
            for one in resource["PendingMaintenanceActionDetails"]
        ]

    def events(self, since: datetime) -> list[Happening]:
        """The newest first."""
        pages = self._client.get_paginator("describe_events").paginate(
            SourceIdentifier=self._name,
            SourceType="db-instance",
            StartTime=since,
            EndTime=self._context.clock(),
        )
        with translated():
            found = [one for page in pages for one in page["Events"]]
        return sorted(
            (Happening(one["Date"], one["Message"]) for one in found),
            key=lambda one: one.at,
            reverse=True,
        )

    def metrics(self, names: Sequence[str], since: datetime) -> dict[str, Range]:
        """Of each metric since then."""
        queries = [
            self._query(f"m{number}_{statistic.lower()}", name, statistic)
            for number, name in enumerate(names)
            for statistic in STATISTICS
        ]
        client = self._context.aws("cloudwatch")
        pages = client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, StartTime=since, EndTime=self._context.clock()
        )
        values: dict[str, list[float]] = {}
        with translated():
            for page in pages:
                for result in page["MetricDataResults"]:
                    values.setdefault(result["Id"], []).extend(result["Values"])
        return {name: _range(values, f"m{number}_") for number, name in enumerate(names)}

    def _query(self, id_: str, metric: str, statistic: str) -> dict[str, Any]:
        dimensions = [{"Name": "DBInstanceIdentifier", "Value": self._name}]
        named = {"Namespace": "AWS/RDS", "MetricName": metric, "Dimensions": dimensions}
        stat = {"Metric": named, "Period": PERIOD_SECONDS, "Stat": statistic}
        return {"Id": id_, "MetricStat": stat}


def _range(values: Mapping[str, Sequence[float]], prefix: str) -> Range:
    least, mean, most = (values.get(f"{prefix}{name.lower()}", ()) for name in STATISTICS)
    return Range(
        min(least, default=None),
        sum(mean) / len(mean) if mean else None,
        max(most, default=None),
    )
