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

module "alarms" {
  source = "../../"

  emails             = { platform = "platform@example.com" }
  environment        = "poc"
  key_arn            = aws_kms_key.example.arn
  monthly_budget_usd = 150
  prefix             = "example-poc"

  alarms = {
    database-cpu = {
      description = "The database has been at 80 % CPU: look at Performance Insights."
      dimensions  = { DBInstanceIdentifier = "example-poc" }
      metric      = "CPUUtilization"
      minutes     = 15
      namespace   = "AWS/RDS"
      runbook     = "database-load"
      threshold   = 80
    }
  }
}

output "names" {
  description = "Full names of the alarms."
  value       = module.alarms.names
}

output "topic_arn" {
  description = "Topic that tells the people."
  value       = module.alarms.topic_arn
}
