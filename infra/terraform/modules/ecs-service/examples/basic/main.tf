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

module "cluster" {
  source = "../../../ecs-cluster"

  key_arn = aws_kms_key.example.arn
  prefix  = "example-poc"
  vpc_id  = module.network.vpc_id
}

resource "aws_security_group" "example" {
  # checkov:skip=CKV2_AWS_5:The module gives it to the tasks
  name        = "example-poc-hello"
  description = "Tasks of hello"
  vpc_id      = module.network.vpc_id
}

module "service" {
  source = "../../"

  cluster            = { arn = module.cluster.arn, name = module.cluster.name }
  exec_log_group_arn = module.cluster.exec_log_group.arn
  key_arn            = aws_kms_key.example.arn
  name               = "hello"
  namespace_id       = module.cluster.namespace.id
  prefix             = "example-poc"
  prepare_image      = "public.ecr.aws/docker/library/busybox:1.37.0"
  security_group_ids = [aws_security_group.example.id]
  subnet_ids         = values(module.network.private_subnets)

  service = {
    cpu           = 256
    configuration = { folder = "${path.module}/configuration", path = "/etc/hello", values = { GREETING = "hello" } }
    image         = "public.ecr.aws/docker/library/busybox:1.37.0"
    memory        = 512
    ports         = { http = 8080 }
    user          = "65534:65534"
    writable      = { tmp = "/tmp" }
  }
}

output "log_group" {
  description = "Where its output is."
  value       = module.service.log_group
}

output "task_definition" {
  description = "Family of its task definition."
  value       = module.service.task_definition
}
