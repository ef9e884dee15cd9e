"""What the real provider refuses before it asks AWS, as far as it can be known without it."""

import functools
import json
from collections.abc import Iterator
from typing import Any, Final

import botocore.session

from tests.infra.standin.schema import Block, attributes, nested
from tests.infra.standin.values import UNKNOWN, elements

JSON_TEXTS: Final = {
    "assume_role_policy",
    "container_definitions",
    "lifecycle_policy",
    "policy",
    "redrive_policy",
}
ENUMERATIONS: Final = {
    # Attribute: service and shape in botocore's model of its API, the list of allowed values.
    ("aws_appautoscaling_policy", "policy_type"): ("application-autoscaling", "PolicyType"),
    ("aws_cloudfront_distribution", "http_version"): ("cloudfront", "HttpVersion"),
    ("aws_cloudfront_distribution", "minimum_protocol_version"): (
        "cloudfront",
        "MinimumProtocolVersion",
    ),
    ("aws_cloudfront_distribution", "viewer_protocol_policy"): (
        "cloudfront",
        "ViewerProtocolPolicy",
    ),
    ("aws_cloudfront_function", "runtime"): ("cloudfront", "FunctionRuntime"),
    ("aws_cloudfront_vpc_origin", "origin_protocol_policy"): ("cloudfront", "OriginProtocolPolicy"),
    ("aws_cloudwatch_metric_alarm", "comparison_operator"): ("cloudwatch", "ComparisonOperator"),
    ("aws_ecr_repository", "image_tag_mutability"): ("ecr", "ImageTagMutability"),
    ("aws_ecs_task_definition", "network_mode"): ("ecs", "NetworkMode"),
    ("aws_efs_file_system", "throughput_mode"): ("efs", "ThroughputMode"),
    ("aws_launch_template", "http_tokens"): ("ec2", "LaunchTemplateHttpTokensState"),
    ("aws_lb", "load_balancer_type"): ("elbv2", "LoadBalancerTypeEnum"),
    ("aws_lb_listener", "protocol"): ("elbv2", "ProtocolEnum"),
    ("aws_lb_target_group", "protocol"): ("elbv2", "ProtocolEnum"),
    ("aws_lb_target_group", "target_type"): ("elbv2", "TargetTypeEnum"),
    ("aws_vpc_endpoint", "vpc_endpoint_type"): ("ec2", "VpcEndpointType"),
    ("aws_wafv2_web_acl", "scope"): ("wafv2", "Scope"),
}
RETENTION_DAYS: Final = (
    # CloudWatch Logs, PutRetentionPolicy: only these numbers are taken.
    *(0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


def problems(type_name: str, block: Block, config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Attribute and sentence of all that does not fit."""
    yield from _of_block(type_name, block, config)
    days = config.get("retention_in_days")
    if days not in (None, UNKNOWN) and days not in RETENTION_DAYS:
        yield "retention_in_days", f"expected one of {RETENTION_DAYS}, got {days}"


def _of_block(type_name: str, block: Block, config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, attribute in attributes(block).items():
        value = config.get(name)
        if value is None or value is UNKNOWN:
            continue
        if attribute.get("computed") and not attribute.get("optional"):
            yield name, f"the value of {name!r} is decided by AWS and cannot be configured"
        elif name in JSON_TEXTS and not _is_json(value):
            yield name, f"{name!r} contains invalid JSON"
        elif (type_name, name) in ENUMERATIONS and value not in _allowed(type_name, name):
            yield name, f"expected {name} to be one of {_allowed(type_name, name)}, got {value}"
        elif name.endswith("_prefix") and config.get(name.removesuffix("_prefix")):
            yield name, f"{name!r} conflicts with {name.removesuffix('_prefix')!r}"
    for name, kind in nested(block).items():
        for child in elements(config.get(name)):
            if isinstance(child, dict):
                yield from _of_block(type_name, kind["block"], child)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@functools.cache
def _allowed(type_name: str, name: str) -> tuple[str, ...]:
    service, shape = ENUMERATIONS[type_name, name]
    model = botocore.session.get_session().get_service_model(service)
    values: list[str] = model.shape_for(shape).enum
    return tuple(values)
