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
  source = "../../"

  buckets = { logs = { encryption = "s3", expire_days = 90 } }
  key_arn = aws_kms_key.example.arn
  prefix  = "example-poc"

  file_system = {
    access_points = { metrics = { gid = 65534, uid = 65534 } }
    clients       = {}
    subnets       = module.network.private_subnets
    vpc_id        = module.network.vpc_id
  }
}

output "access_point_ids" {
  description = "What volumes refer to."
  value       = module.storage.access_point_ids
}

output "bucket_names" {
  description = "Names of the buckets."
  value       = module.storage.bucket_names
}
