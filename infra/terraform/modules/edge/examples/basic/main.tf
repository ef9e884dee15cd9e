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
  source = "../../../network"

  key_arn = aws_kms_key.example.arn
  prefix  = "example-poc"
}

module "storage" {
  source = "../../../storage"

  key_arn = aws_kms_key.example.arn
  prefix  = "example-poc"
  buckets = {
    logs = {
      encryption  = "s3"
      expire_days = 90
      log_writers = ["delivery.logs.amazonaws.com", "logdelivery.elasticloadbalancing.amazonaws.com"]
    }
  }
}

resource "aws_security_group" "gateway" {
  # checkov:skip=CKV2_AWS_5:An example without tasks
  name        = "example-poc-gateway"
  description = "Tasks of the gateway"
  vpc_id      = module.network.vpc_id
}

module "edge" {
  source = "../../"

  administrators          = { vpc = module.network.cidr }
  internal_route          = "gateway-internal"
  log_bucket              = { arn = module.storage.bucket_arns["logs"], name = module.storage.bucket_names["logs"] }
  prefix                  = "example-poc"
  service_security_groups = { gateway = aws_security_group.gateway.id }
  subnet_ids              = values(module.network.private_subnets)
  vpc_id                  = module.network.vpc_id

  routes = {
    gateway-internal = { health_path = "/health/liveliness", paths = [], port = 4001, service = "gateway" }
    gateway-public   = { health_path = "/health/liveliness", paths = ["/v1/*"], port = 4000, priority = 10, service = "gateway" }
  }
}

output "endpoint" {
  description = "What clients call."
  value       = "https://${module.edge.distribution.domain}"
}

output "public_paths" {
  description = "What is let through."
  value       = module.edge.public_paths
}
