"""What a reviewer is pointed to."""

import pytest

from ops.plan.document import parse
from ops.plan.risk import risks
from tests.ops.plan.plans import Node, created, deleted, document, resource, updated

RULE = "aws_vpc_security_group_ingress_rule.this"


def reasons(*changes: Node) -> list[str]:
    return [one.why for one in risks(parse(document(*changes)))]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (deleted("module.database.aws_db_instance.this"), "a database would be lost"),
        (
            resource("aws_efs_file_system.this[0]", ["delete", "create"], {"a": 1}, {"a": 2}),
            "files would be lost",
        ),
        (
            resource("aws_s3_bucket.this", ["create", "delete"], {"a": 1}, {"a": 2}),
            "objects would be lost",
        ),
        (
            resource("aws_kms_key.this", ["forget"], {"a": 1}, None),
            "Terraform lets go of a key, and all that it encrypts",
        ),
        (
            updated(
                "aws_db_instance.this",
                {"deletion_protection": True},
                {"deletion_protection": False},
            ),
            "its protection from deletion goes",
        ),
        (
            updated(
                "aws_db_instance.this",
                {"publicly_accessible": False},
                {"publicly_accessible": True},
            ),
            "it becomes reachable from the internet",
        ),
        (
            resource("aws_lb.this", ["delete", "create"], {"internal": True}, {"internal": False}),
            "it faces the internet",
        ),
        (deleted("aws_s3_bucket_public_access_block.this"), "the bucket may become public"),
        (created(RULE, cidr_ipv4="0.0.0.0/0"), "open to every address of the internet"),
        (created(RULE, cidr_ipv6="::/0"), "open to every address of the internet"),
        (
            updated(RULE, {"cidr_ipv4": "10.0.0.0/8"}, {"cidr_ipv4": "0.0.0.0/0"}),
            "open to every address of the internet",
        ),
        (
            updated(
                "aws_security_group.this",
                {"ingress": []},
                {"ingress": [{"cidr_blocks": ["10.0.0.0/8", "0.0.0.0/0"]}]},
            ),
            "open to every address of the internet",
        ),
        (
            created("aws_security_group_rule.this", type="ingress", cidr_blocks=["0.0.0.0/0"]),
            "open to every address of the internet",
        ),
        (created(RULE, cidr_ipv4="10.0.0.0/8"), "a new way in"),
        (
            updated(RULE, {"cidr_ipv4": "10.0.0.0/8"}, {"cidr_ipv4": "10.0.0.0/7"}),
            "another way in",
        ),
        (created("aws_iam_role_policy.this", policy="{}"), "who may do what changes"),
        (
            updated("aws_s3_bucket_policy.this", {"policy": "a"}, {"policy": "b"}),
            "who may do what changes",
        ),
    ],
)
def test_a_risky_change_is_named_with_its_reason(change: Node, why: str) -> None:
    assert reasons(change) == [why]


@pytest.mark.parametrize(
    "change",
    [
        created("aws_db_instance.this", deletion_protection=False),
        updated("aws_db_instance.this", {"engine_version": "17"}, {"engine_version": "18"}),
        updated(
            "aws_db_instance.this", {"deletion_protection": False}, {"deletion_protection": False}
        ),
        deleted(RULE),
        deleted("aws_sqs_queue.this"),
        created("aws_security_group.this", name="x"),
        created("aws_security_group_rule.this", type="egress", cidr_blocks=["0.0.0.0/0"]),
        created("aws_vpc_security_group_egress_rule.this", cidr_ipv4="0.0.0.0/0"),
        created("aws_appautoscaling_policy.this", name="x"),
    ],
)
def test_an_ordinary_change_is_not(change: Node) -> None:
    assert reasons(change) == []


def test_lost_data_stands_before_ways_in_and_these_before_rights() -> None:
    found = reasons(
        created("aws_iam_role.a"),
        created(RULE, cidr_ipv4="10.0.0.0/8"),
        created("aws_vpc_security_group_ingress_rule.open", cidr_ipv4="0.0.0.0/0"),
        deleted("aws_db_instance.this"),
    )

    assert found == [
        "a database would be lost",
        "open to every address of the internet",
        "a new way in",
        "who may do what changes",
    ]
