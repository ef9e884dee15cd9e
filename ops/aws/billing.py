"""What AWS has billed so far, by Cost Explorer. Each question costs a cent."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from ops.aws.errors import translated
from ops.context import Context


class Billing:
    """Raises OpsError, all of it."""

    def __init__(self, context: Context) -> None:
        self._client = context.aws("ce")
        self._names = context.names

    def tagged(self, first: date, last: date) -> dict[str, Decimal]:
        """By AWS's services: what carries the tags of this environment."""
        tags = {"project": self._names.project, "environment": self._names.environment}
        which = [{"Tags": {"Key": key, "Values": [value]}} for key, value in tags.items()]
        return self._by_service(first, last, {"And": which})

    def models(self, first: date, last: date) -> dict[str, Decimal]:
        """Calls of models carry no tag: those of the whole account."""
        found = self._by_service(first, last, None)
        return {name: usd for name, usd in found.items() if "Bedrock" in name}

    def _by_service(
        self, first: date, last: date, which: Mapping[str, Any] | None
    ) -> dict[str, Decimal]:
        request: dict[str, Any] = {
            "TimePeriod": {"Start": f"{first}", "End": f"{last + timedelta(days=1)}"},
            "Granularity": "MONTHLY",
            "Metrics": ["UnblendedCost"],
            "GroupBy": [{"Type": "DIMENSION", "Key": "SERVICE"}],
        }
        if which:
            request["Filter"] = which
        found: dict[str, Decimal] = {}
        while True:
            with translated():
                answer = self._client.get_cost_and_usage(**request)
            for period in answer["ResultsByTime"]:
                for group in period["Groups"]:
                    usd = Decimal(group["Metrics"]["UnblendedCost"]["Amount"])
                    found[group["Keys"][0]] = found.get(group["Keys"][0], Decimal(0)) + usd
            if not answer.get("NextPageToken"):
                return found
            request["NextPageToken"] = answer["NextPageToken"]
