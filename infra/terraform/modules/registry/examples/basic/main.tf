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

resource "aws_kms_key" "example" {
  # checkov:skip=CKV2_AWS_64:An example; the default policy leaves it to IAM
  description         = "Example"
  enable_key_rotation = true
}

module "registry" {
  source = "../../"

  key_arn      = aws_kms_key.example.arn
  prefix       = "example-poc"
  repositories = { gateway = { keep_images = 20 } }
}

output "urls" {
  description = "What to push to."
  value       = module.registry.urls
}
