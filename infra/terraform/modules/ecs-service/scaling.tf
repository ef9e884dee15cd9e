locals {
  _scales = var.service.kind == "service" && var.service.tasks.max > var.service.tasks.min

  _scaling_metrics = local._scales ? {
    for metric, target in {
      ECSServiceAverageCPUUtilization    = var.service.scaling.cpu
      ECSServiceAverageMemoryUtilization = var.service.scaling.memory
    } : metric => target if target != null
  } : {}
}

resource "aws_appautoscaling_target" "this" {
  count = local._scales ? 1 : 0

  max_capacity       = var.service.tasks.max
  min_capacity       = var.service.tasks.min
  resource_id        = "service/${var.cluster.name}/${aws_ecs_service.this[0].name}"
  scalable_dimension = "ecs:service:DesiredCount"
  service_namespace  = "ecs"
}

resource "aws_appautoscaling_policy" "utilization" {
  for_each = local._scaling_metrics

  name               = each.key
  policy_type        = "TargetTrackingScaling"
  resource_id        = aws_appautoscaling_target.this[0].resource_id
  scalable_dimension = aws_appautoscaling_target.this[0].scalable_dimension
  service_namespace  = aws_appautoscaling_target.this[0].service_namespace

  target_tracking_scaling_policy_configuration {
    scale_in_cooldown  = 300
    scale_out_cooldown = 60
    target_value       = each.value

    predefined_metric_specification {
      predefined_metric_type = each.key
    }
  }
}

# Answers stream for minutes, so requests per minute say little of the load; open ones do. The load
# balancer counts connections on both of its sides, hence half of them.
resource "aws_appautoscaling_policy" "concurrent_requests" {
  count = local._scales && var.service.scaling.concurrent_requests != null ? 1 : 0

  name               = "ConcurrentRequestsPerTarget"
  policy_type        = "TargetTrackingScaling"
  resource_id        = aws_appautoscaling_target.this[0].resource_id
  scalable_dimension = aws_appautoscaling_target.this[0].scalable_dimension
  service_namespace  = aws_appautoscaling_target.this[0].service_namespace

  target_tracking_scaling_policy_configuration {
    scale_in_cooldown  = 300
    scale_out_cooldown = 60
    target_value       = var.service.scaling.concurrent_requests

    customized_metric_specification {
      metrics {
        id          = "per_target"
        expression  = "connections / 2 / targets"
        label       = "Concurrent requests per target"
        return_data = true
      }

      metrics {
        id          = "connections"
        return_data = false

        metric_stat {
          stat = "Sum"

          metric {
            metric_name = "ActiveConnectionCount"
            namespace   = "AWS/ApplicationELB"

            dimensions {
              name  = "LoadBalancer"
              value = var.load_balancer.arn_suffix
            }
          }
        }
      }

      metrics {
        id          = "targets"
        return_data = false

        metric_stat {
          stat = "Average"

          metric {
            metric_name = "HealthyHostCount"
            namespace   = "AWS/ApplicationELB"

            dimensions {
              name  = "LoadBalancer"
              value = var.load_balancer.arn_suffix
            }

            dimensions {
              name  = "TargetGroup"
              value = var.load_balancer.target_group_arn_suffix
            }
          }
        }
      }
    }
  }
}
