"""The bounds within which a service scales by itself."""

from dataclasses import dataclass

from ops.aws.errors import translated
from ops.context import Context


@dataclass(frozen=True, slots=True)
class Bounds:
    """Fewest and most tasks."""

    least: int
    most: int

    def widened(self, count: int) -> "Bounds":
        """So that autoscaling does not undo that many tasks."""
        return Bounds(min(self.least, count), max(self.most, count))

    def __str__(self) -> str:
        return f"{self.least} to {self.most}"


class Autoscaling:
    """Raises OpsError, all of it."""

    def __init__(self, context: Context) -> None:
        self._client = context.aws("application-autoscaling")
        self._names = context.names

    def bounds(self, service: str) -> Bounds | None:
        """None where the service does not scale by itself."""
        with translated():
            answer = self._client.describe_scalable_targets(
                ServiceNamespace="ecs",
                ResourceIds=[self._names.scalable_target(service)],
                ScalableDimension="ecs:service:DesiredCount",
            )
        for target in answer["ScalableTargets"]:
            return Bounds(target["MinCapacity"], target["MaxCapacity"])
        return None

    def register(self, service: str, bounds: Bounds) -> None:
        with translated():
            self._client.register_scalable_target(
                ServiceNamespace="ecs",
                ResourceId=self._names.scalable_target(service),
                ScalableDimension="ecs:service:DesiredCount",
                MinCapacity=bounds.least,
                MaxCapacity=bounds.most,
            )
