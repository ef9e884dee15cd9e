"""Plans that Terraform itself made, with the stand-in for the provider."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.plan import comment
from ops.plan.document import Action, Plan, parse
from ops.plan.fingerprint import fingerprint
from ops.plan.risk import risks
from tests.infra.standin.server import serving
from tests.infra.support.terraform import Terraform, binary

HEAD = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
variable "password" {
  type      = string
  sensitive = true
}
"""
BEFORE = f"""{HEAD}
resource "aws_secretsmanager_secret" "this" {{
  name        = "gateway"
  description = "before"
}}
resource "aws_db_instance" "this" {{
  identifier          = "stargate"
  instance_class      = "db.t4g.micro"
  deletion_protection = true
  password            = var.password
}}
resource "terraform_data" "this" {{
  input            = "one"
  triggers_replace = "one"
}}
resource "aws_sns_topic" "gone" {{
  name = "gone"
}}
"""
AFTER = f"""{HEAD}
resource "aws_secretsmanager_secret" "this" {{
  name        = "gateway"
  description = "after `x` @everyone"
}}
resource "aws_db_instance" "this" {{
  identifier          = "stargate"
  instance_class      = "db.t4g.micro"
  deletion_protection = false
  password            = "${{var.password}}-other"
}}
resource "terraform_data" "this" {{
  input            = "two"
  triggers_replace = "two"
}}
resource "aws_vpc_security_group_ingress_rule" "open" {{
  security_group_id = "sg-0123456789abcdef0"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Plan, Plan, dict[str, Any]]]:
    """A plan, the same plan once more, and the document of the first."""
    folder = tmp_path_factory.mktemp("root")
    path = binary(tmp_path_factory.mktemp("terraform"))
    if path is None:
        pytest.skip("terraform is not installed, and this platform has no package of it")
    with serving() as environment:
        terraform = Terraform(path, {**environment, "TF_VAR_password": "hunter2-hunter2"})
        (folder / "main.tf").write_text(BEFORE)
        terraform.must(folder, "init", "-input=false")
        terraform.must(folder, "apply", "-auto-approve")
        (folder / "main.tf").write_text(AFTER)
        first, second = (_plan(terraform, folder) for _ in range(2))
        yield parse(first), parse(second), first


def _plan(terraform: Terraform, folder: Path) -> dict[str, Any]:
    terraform.must(folder, "plan", "-out=plan.tfplan")
    return terraform.document(folder, "show", "-json", "plan.tfplan")


Made = tuple[Plan, Plan, dict[str, Any]]


def test_each_change_is_read_as_what_it_is(made: Made) -> None:
    assert {one.address: one.action for one in made[0].changes} == {
        "aws_sns_topic.gone": Action.DELETE,
        "terraform_data.this": Action.REPLACE,
        "aws_db_instance.this": Action.UPDATE,
        "aws_secretsmanager_secret.this": Action.UPDATE,
        "aws_vpc_security_group_ingress_rule.open": Action.CREATE,
    }


def test_the_risks_are_found(made: Made) -> None:
    assert [(one.change.address, one.why) for one in risks(made[0])] == [
        ("aws_db_instance.this", "its protection from deletion goes"),
        ("aws_vpc_security_group_ingress_rule.open", "open to every address of the internet"),
    ]


def test_the_password_is_in_the_plan_but_not_in_the_comment(made: Made) -> None:
    body = comment.of_plan(made[0], "poc", "x")

    assert "hunter2" in str(made[2])
    assert "hunter2" not in body
    assert "password: (sensitive) -> (sensitive)" in body
    assert 'description: "before" -> "after `x` @everyone"' in body


def test_planned_twice_it_is_the_same_plan(made: Made) -> None:
    assert fingerprint(made[0]) == fingerprint(made[1])
