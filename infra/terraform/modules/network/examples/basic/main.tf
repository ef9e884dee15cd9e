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

module "network" {
  source = "../../"

  endpoints = ["bedrock-runtime"]
  key_arn   = aws_kms_key.example.arn
  prefix    = "example-poc"
}

output "private_subnets" {
  description = "Where tasks run."
  value       = module.network.private_subnets
}

output "nat_addresses" {
  description = "How the network appears outside."
  value       = module.network.nat_addresses
}
