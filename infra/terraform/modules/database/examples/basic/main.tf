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

resource "aws_security_group" "client" {
  # checkov:skip=CKV2_AWS_5:An example without tasks
  name        = "example-poc-client"
  description = "Who may connect"
  vpc_id      = module.network.vpc_id
}

module "database" {
  source = "../../"

  clients    = { client = aws_security_group.client.id }
  key_arn    = aws_kms_key.example.arn
  prefix     = "example-poc"
  subnet_ids = values(module.network.private_subnets)
  vpc_id     = module.network.vpc_id
}

output "address" {
  description = "Host name of the database."
  value       = module.database.address
}

output "master_secret_arn" {
  description = "Where the administrator's password is."
  value       = module.database.master_secret_arn
}
