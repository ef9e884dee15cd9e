output "arn" {
  description = "ARN of the cluster."
  value       = aws_ecs_cluster.this.arn
}

output "exec_log_group" {
  description = "ARN and name of the log group with the record of ECS Exec."
  value       = { arn = aws_cloudwatch_log_group.exec.arn, name = aws_cloudwatch_log_group.exec.name }
}

output "name" {
  description = "Name of the cluster, once its capacity providers stand."
  value       = aws_ecs_cluster.this.name

  depends_on = [aws_ecs_cluster_capacity_providers.this]
}

output "namespace" {
  description = "Id and name of the private DNS namespace."
  value = {
    id   = aws_service_discovery_private_dns_namespace.this.id
    name = aws_service_discovery_private_dns_namespace.this.name
  }
}
