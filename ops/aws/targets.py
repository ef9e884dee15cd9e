"""What load balancers think of tasks."""

from dataclasses import dataclass

from ops.aws.errors import translated
from ops.context import Context


@dataclass(frozen=True, slots=True)
class Target:
    """A task behind a load balancer."""

    group: str
    address: str
    state: str
    reason: str


def targets(context: Context, group_arn: str) -> list[Target]:
    """Health of a target group's members. Raises OpsError."""
    client = context.aws("elbv2")
    with translated():
        answer = client.describe_target_health(TargetGroupArn=group_arn)
    name = group_arn.split("/")[1]
    return [
        Target(
            name,
            f"{one['Target']['Id']}:{one['Target'].get('Port', '')}",
            one["TargetHealth"].get("State", "unknown"),
            one["TargetHealth"].get("Description", ""),
        )
        for one in answer["TargetHealthDescriptions"]
    ]
