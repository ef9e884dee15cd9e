terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

provider "aws" {
  region = "us-west-1"
}

data "aws_iam_policy_document" "see" {
  statement {
    actions   = ["ecs:DescribeClusters"]
    resources = ["arn:aws:ecs:us-west-1:123456789012:cluster/example-poc"]
  }
}

module "github_oidc" {
  source = "../../"

  project    = "example"
  repository = "example/stargate-llm-gateway"

  roles = {
    ops-poc = {
      description = "Sees the cluster"
      policy      = data.aws_iam_policy_document.see.json
      subjects    = ["environment:poc-ops"]
    }
  }
}

output "role_arns" {
  description = "What workflows take."
  value       = module.github_oidc.role_arns
}
