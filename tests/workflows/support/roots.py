"""Small roots in place of the environments, with their backends, and what is done with them."""

import json
from pathlib import Path
from typing import Any

from tests.ops.plan.fake_github import GitHub
from tests.workflows.support.act import Checkout, Run
from tests.workflows.support.platform import REGION, Platform

BUCKET = "stargate-terraform-123456789012"
BACKEND = f"""
bucket                      = "{BUCKET}"
region                      = "{REGION}"
use_path_style              = true
skip_credentials_validation = true
skip_requesting_account_id  = true
"""
HEAD = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
variable "note" {
  type = string
}
resource "terraform_data" "this" {
  input = var.note
}
"""
TOPIC = '\nresource "aws_sns_topic" "this" {\n  name = "x"\n}\n'
WRAPPER = """#!/bin/sh
# Terraform; if told so, somebody else applies something between the plan and the apply.
case "$*" in
  *plan.tfplan)
    if [ -e "$ARTIFACTS/meanwhile" ] && [ "$3" = -input=false ] && [ "$2" = apply ]; then
      rm "$ARTIFACTS/meanwhile"
      {path} "$1" apply -auto-approve -var=note=meanwhile
    fi
    ;;
esac
exec {path} "$@"
"""
POC = "infra/terraform/environments/poc/main.tf"


def prepare(repository: Checkout, path: Path, environment: dict[str, str], github: GitHub) -> None:
    """Both environments as small roots, and a Terraform that finds the stand-in."""
    wrapper = repository.path / "terraform"
    wrapper.write_text(WRAPPER.format(path=path))
    wrapper.chmod(0o755)
    repository.environment |= {
        **environment,
        "CHECKPOINT_DISABLE": "1",
        "GITHUB_API_URL": github.address,
    }
    for name in ("POC", "PROD"):
        repository.variables |= {f"BACKEND_{name}": BACKEND, f"TFVARS_{name}": 'note = "one"'}
    repository.commit(
        {f"infra/terraform/environments/{name}/main.tf": HEAD for name in ("poc", "prod")}
    )


def state(aws: Platform, environment: str = "poc") -> dict[str, Any]:
    """What the bucket has; nothing before the first apply."""
    s3 = aws.client("s3")
    key = f"environments/{environment}/terraform.tfstate"
    if s3.list_objects_v2(Bucket=BUCKET, Prefix=key)["KeyCount"] == 0:
        return {}
    found: dict[str, Any] = json.load(s3.get_object(Bucket=BUCKET, Key=key)["Body"])
    return found


def resources(aws: Platform) -> list[str]:
    return sorted(one["type"] for one in state(aws).get("resources", []))


def plan(repository: Checkout, base: str, head: str, owner: str = "example/stargate") -> Run:
    """A pull request, as GitHub tells of it."""
    request = {
        "number": 7,
        "base": {"sha": base, "ref": "main"},
        "head": {"sha": head, "ref": "change", "repo": {"full_name": owner}},
    }
    return repository.run("terraform-plan", "pull_request", {"number": 7, "pull_request": request})


def merge(repository: Checkout, github: GitHub, before: str, number: int = 7) -> Run:
    """What is checked out is main after the merge."""
    github.merged[repository.git("rev-parse", "HEAD")] = number
    return repository.run("terraform-apply", "push", {"before": before, "ref": "refs/heads/main"})


def changed(repository: Checkout, text: str = HEAD + TOPIC) -> tuple[str, str]:
    """The commits before and after a change of poc."""
    base = repository.git("rev-parse", "HEAD")
    return base, repository.commit({POC: text})
