"""What a reviewer should look at before anything else in a plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ops.plan.document import Action, Change, Plan

KEEPS_DATA: Final = {
    "aws_backup_vault": "backups",
    "aws_cloudwatch_log_group": "logs",
    "aws_db_instance": "a database",
    "aws_ecr_repository": "images",
    "aws_efs_file_system": "files",
    "aws_kms_key": "a key, and all that it encrypts",
    "aws_s3_bucket": "objects",
    "aws_secretsmanager_secret": "secrets",
}
EVERYBODY: Final = {"0.0.0.0/0", "::/0"}
WAYS_IN: Final = {
    "aws_default_security_group",
    "aws_security_group",
    "aws_security_group_rule",
    "aws_vpc_security_group_ingress_rule",
}
SOURCES: Final = {
    "cidr_blocks",
    "cidr_ipv4",
    "cidr_ipv6",
    "ipv6_cidr_blocks",
    "prefix_list_id",
    "referenced_security_group_id",
    "source_security_group_id",
}
POLICIES: Final = {
    "aws_ecr_repository_policy",
    "aws_efs_file_system_policy",
    "aws_kms_grant",
    "aws_s3_bucket_policy",
    "aws_secretsmanager_secret_policy",
    "aws_sns_topic_policy",
}
GUARDS: Final[Mapping[tuple[str, str], tuple[Any, str]]] = {
    ("aws_db_instance", "deletion_protection"): (False, "its protection from deletion goes"),
    ("aws_db_instance", "publicly_accessible"): (True, "it becomes reachable from the internet"),
    ("aws_db_instance", "skip_final_snapshot"): (True, "its end leaves no snapshot"),
    ("aws_db_instance", "storage_encrypted"): (False, "it is not encrypted"),
    ("aws_lb", "enable_deletion_protection"): (False, "its protection from deletion goes"),
    ("aws_lb", "internal"): (False, "it faces the internet"),
}
"""Attributes, the value that opens something, and what that means."""


@dataclass(frozen=True, slots=True)
class Risk:
    """A change and why it is one to look at."""

    change: Change
    why: str


def risks(plan: Plan) -> list[Risk]:
    """Data first, then ways in, then rights."""
    judges = (_loses_data, _drops_a_guard, _opens_to_all, _opens, _rights)
    return [
        Risk(change, why) for judge in judges for change in plan.changes if (why := judge(change))
    ]


def _loses_data(change: Change) -> str:
    kept = KEEPS_DATA.get(change.kind)
    if not kept or change.action not in (Action.DELETE, Action.REPLACE, Action.FORGET):
        return ""
    if change.action is Action.FORGET:
        return f"Terraform lets go of {kept}"
    return f"{kept} would be lost"


def _drops_a_guard(change: Change) -> str:
    said = [
        meaning
        for (kind, name), (dangerous, meaning) in GUARDS.items()
        if kind == change.kind
        and change.action in (Action.UPDATE, Action.REPLACE)
        and change.after.get(name) is dangerous
        and change.before.get(name) is not dangerous
    ]
    if change.kind == "aws_s3_bucket_public_access_block" and (
        change.action is Action.DELETE
        or (change.action is Action.UPDATE and False in change.after.values())
    ):
        said.append("the bucket may become public")
    return "; ".join(said)


def _opens_to_all(change: Change) -> str:
    opens = EVERYBODY & set(_texts(_entering(change)))
    return "open to every address of the internet" if opens else ""


def _opens(change: Change) -> str:
    """A rule that lets in more than before, though not everybody."""
    if not _entering(change) or _opens_to_all(change):
        return ""
    return "a new way in" if change.action is Action.CREATE else "another way in"


def _entering(change: Change) -> Any:
    """What says who may come in, of a rule or a group with rules inside."""
    lets_in = change.action in (Action.CREATE, Action.UPDATE, Action.REPLACE)
    if change.kind not in WAYS_IN or not lets_in or change.after.get("type") == "egress":
        return None
    if change.kind.endswith("security_group"):
        inside = change.after.get("ingress")
        return inside if isinstance(inside, list) else None
    return {name: value for name, value in change.after.items() if name in SOURCES}


def _texts(value: Any) -> list[str]:
    """All strings in a value."""
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in parts for text in _texts(part)]


def _rights(change: Change) -> str:
    return (
        "who may do what changes"
        if change.kind.startswith("aws_iam_") or (change.kind in POLICIES)
        else ""
    )
