"""How the stand-in plans: what is computed and not known becomes unknown; the rest is the wish."""

from typing import Any, Final

from tests.infra.standin.schema import Block, attributes, nested
from tests.infra.standin.values import UNKNOWN, elements, is_known

FORCES_REPLACEMENT: Final = {
    # A schema does not say what forces a new resource; these matter to what the tests ask.
    "aws_db_instance": ("identifier", "engine", "username", "db_subnet_group_name"),
    "aws_ecs_service": ("name", "cluster", "launch_type"),
    "aws_ecs_task_definition": ("family", "container_definitions", "cpu", "memory", "volume"),
    "aws_efs_file_system": ("encrypted", "kms_key_id"),
    "aws_kms_key": ("customer_master_key_spec",),
    "aws_lb_target_group": ("name", "port", "protocol", "vpc_id", "target_type"),
    "aws_s3_bucket": ("bucket",),
    "aws_subnet": ("cidr_block", "availability_zone", "vpc_id"),
    "aws_vpc": ("cidr_block",),
}


def plan(
    type_name: str,
    block: Block,
    prior: dict[str, Any] | None,
    proposed: dict[str, Any],
    default_tags: dict[str, str],
    region: str,
) -> tuple[dict[str, Any], list[str]]:
    """The planned state, and which attributes force a replacement."""
    known = attributes(block)
    if "tags_all" in known:
        tags = proposed.get("tags")
        proposed["tags_all"] = {**default_tags, **(tags or {})} if is_known(tags) else UNKNOWN
    if "region" in known and proposed.get("region") is None:
        proposed["region"] = region
    _leave_open(block, proposed)
    forced = [
        name
        for name in FORCES_REPLACEMENT.get(type_name, ())
        if prior is not None and prior.get(name) != proposed.get(name)
    ]
    return proposed, forced


def _leave_open(block: Block, value: dict[str, Any]) -> None:
    """Core has copied what was computed before; what is still missing AWS will choose."""
    for name, attribute in attributes(block).items():
        if attribute.get("computed") and value.get(name) is None:
            value[name] = UNKNOWN
    for name, kind in nested(block).items():
        for child in elements(value.get(name)):
            if isinstance(child, dict):
                _leave_open(kind["block"], child)
