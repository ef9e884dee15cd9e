locals {
  # Two processes must not write to one volume: the old task stops before the new one starts.
  _one_at_a_time = var.service.volume != null
}

resource "aws_ecs_service" "this" {
  # checkov:skip=CKV_AWS_332:Without a version, tasks start on the newest Fargate platform, which is what the check wants
  count = var.service.kind == "service" ? 1 : 0

  name                               = var.name
  availability_zone_rebalancing      = local._one_at_a_time ? "DISABLED" : "ENABLED"
  cluster                            = var.cluster.arn
  deployment_maximum_percent         = local._one_at_a_time ? 100 : 200
  deployment_minimum_healthy_percent = local._one_at_a_time ? 0 : 100
  desired_count                      = var.service.tasks.min
  enable_ecs_managed_tags            = true
  enable_execute_command             = true
  health_check_grace_period_seconds  = length(var.target_groups) == 0 ? null : var.service.health_grace
  propagate_tags                     = "SERVICE"
  task_definition                    = aws_ecs_task_definition.this.arn

  capacity_provider_strategy {
    capacity_provider = var.service.capacity == "spot" ? "FARGATE_SPOT" : "FARGATE"
    weight            = 1
  }

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  dynamic "load_balancer" {
    for_each = var.target_groups

    content {
      container_name   = var.name
      container_port   = var.service.ports[load_balancer.key]
      target_group_arn = load_balancer.value
    }
  }

  network_configuration {
    assign_public_ip = false
    security_groups  = var.security_group_ids
    subnets          = var.subnet_ids
  }

  service_registries {
    registry_arn = aws_service_discovery_service.this[0].arn
  }

  lifecycle {
    # Autoscaling and ops change it; an apply must not.
    ignore_changes = [desired_count]
  }

  depends_on = [aws_iam_role_policy.execution, aws_iam_role_policy.exec, aws_iam_role_policy_attachment.task]
}

# One address for each task, so that metrics are read from every task by itself.
resource "aws_service_discovery_service" "this" {
  count = var.service.kind == "service" ? 1 : 0

  name          = var.name
  force_destroy = true

  dns_config {
    namespace_id   = var.namespace_id
    routing_policy = "MULTIVALUE"

    dns_records {
      ttl  = 10
      type = "A"
    }
  }
}
