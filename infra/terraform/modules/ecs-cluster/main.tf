# trivy:ignore:AWS-0034 The same reason as for checkov below
resource "aws_ecs_cluster" "this" {
  # checkov:skip=CKV_AWS_65:Insights cost more than the smallest tasks; prod has them, poc has metrics of its own
  name = var.prefix

  configuration {
    execute_command_configuration {
      kms_key_id = var.key_arn
      logging    = "OVERRIDE"

      log_configuration {
        cloud_watch_encryption_enabled = true
        cloud_watch_log_group_name     = aws_cloudwatch_log_group.exec.name
      }
    }
  }

  setting {
    name  = "containerInsights"
    value = var.container_insights
  }
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]

  default_capacity_provider_strategy {
    capacity_provider = "FARGATE"
    weight            = 1
  }
}

# Everything that is typed into a container by ECS Exec, and what it answered.
resource "aws_cloudwatch_log_group" "exec" {
  name              = "/${var.prefix}/exec"
  kms_key_id        = var.key_arn
  retention_in_days = var.exec_log_days
}

resource "aws_service_discovery_private_dns_namespace" "this" {
  name        = "${var.prefix}.internal"
  description = "Names of the services within the network"
  vpc         = var.vpc_id
}
