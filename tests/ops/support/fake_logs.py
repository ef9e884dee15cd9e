"""CloudWatch Logs as it may answer: few events a page, streams one after the other, late arrivals.

Filter patterns are not proved: moto and this fake do not understand them; they are passed on as
they are.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.ops.support.fake_client import FakeService, Refusal


class FakeLogs(FakeService):
    """One log group for each name in `groups`."""

    service = "logs"
    page = 3

    def __init__(self) -> None:
        super().__init__()
        self.groups: dict[str, list[dict[str, Any]]] = {}

    def wrote(self, group: str, stream: str, at_ms: int, message: str) -> None:
        entries = self.groups.setdefault(group, [])
        number = len(entries)
        entries.append(
            {
                "logStreamName": stream,
                "timestamp": at_ms,
                "ingestionTime": at_ms + 500,
                "message": message,
                "eventId": f"{number:056d}",
            }
        )

    def filter_log_events(
        self,
        logGroupName: str,
        startTime: int,
        endTime: int,
        logStreamNames: Sequence[str] = (),
        filterPattern: str = "",
        nextToken: str = "",
    ) -> Mapping[str, Any]:
        if logGroupName not in self.groups:
            raise Refusal("ResourceNotFoundException", "The specified log group does not exist.")
        found = [
            one
            for one in sorted(self.groups[logGroupName], key=lambda one: one["logStreamName"])
            if startTime <= one["timestamp"] <= endTime
            and (not logStreamNames or one["logStreamName"] in logStreamNames)
        ]
        start = int(nextToken or 0)
        # A page repeats the last event of the one before.
        chosen = found[max(0, start - 1) : start + self.page]
        more = {"nextToken": str(start + self.page)} if start + self.page < len(found) else {}
        return {"events": chosen, **more}
