"""The role of ops may do what the commands call, and nothing else."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore import xform_name

ROOT = Path(__file__).parents[2]
ROLES = ROOT / "infra" / "terraform" / "bootstrap" / "roles_ops.tf"
CODE = [*(ROOT / "ops" / "aws").glob("*.py"), ROOT / "ops" / "session" / "encryption.py"]
IAM_NAMES = {"elbv2": "elasticloadbalancing"}
NEEDS_NO_PERMISSION = {"sts:GetCallerIdentity"}
ALONG = {
    "ecs:TagResource",  # a revision that is registered with tags
    "iam:PassRole",  # a revision names roles, and a task gets them
    "kms:CreateGrant",  # a restored database is encrypted with the key of the first
    "kms:Decrypt",  # the secret's value
    "kms:DescribeKey",  # of that key
}
"""What AWS asks for beside the action of the call."""


def services_of(path: Path) -> set[str]:
    """Those that a module makes clients of; encryption is handed one."""
    text = path.read_text()
    named = set(re.findall(r'(?:aws|_client)\("([a-z0-9-]+)"\)', text))
    return named or ({"kms"} if "kms" in text else set())


def calls(path: Path) -> Iterator[str]:
    """Methods of clients, and text, among which are the names of operations that are paged."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and re.search(
            r"(client|kms|sts)$", ast.unparse(node.value)
        ):
            yield node.attr
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def used() -> set[str]:
    """The actions of all calls to AWS in the adapters."""
    found = set()
    for path in CODE:
        names = set(calls(path))
        for service in services_of(path):
            model = boto3.client(service, region_name="us-west-1").meta.service_model
            for operation in model.operation_names:
                if xform_name(operation) in names:
                    found.add(f"{IAM_NAMES.get(service, service)}:{operation}")
    return found


def allowed() -> set[str]:
    """The actions that the policy document of ops names."""
    text = ROLES.read_text()
    document = text.split('data "aws_iam_policy_document" "ops" {')[1].split("\ndata ")[0]
    lists = re.findall(r"actions\s*=\s*\[(.*?)\]", document, re.DOTALL)
    return {action for one in lists for action in re.findall(r'"([^"]+)"', one)}


def test_the_commands_calls_are_found() -> None:
    assert {"ecs:UpdateService", "ecs:ListTasks", "logs:FilterLogEvents"} <= used()


def test_the_role_may_do_what_the_commands_call() -> None:
    assert used() - NEEDS_NO_PERMISSION <= allowed()


def test_the_role_may_do_nothing_else() -> None:
    assert allowed() <= used() | ALONG


def test_it_has_no_wildcard_in_an_action() -> None:
    assert not [action for action in allowed() if "*" in action]


@pytest.mark.parametrize("path", [*(ROOT / "ops" / "commands").rglob("*.py")], ids=lambda p: p.stem)
def test_commands_ask_aws_through_adapters_alone(path: Path) -> None:
    named = set(re.findall(r'\.aws\("([a-z0-9-]+)"\)', path.read_text()))

    assert named <= {"kms"}, "a command hands it to the session, and calls nothing"
