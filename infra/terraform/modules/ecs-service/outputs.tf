output "log_group" {
  description = "Log group of the service."
  value       = aws_cloudwatch_log_group.this.name
}

output "name" {
  description = "Name of the service; of a one-off task, its own."
  value       = var.name
}

output "role_arns" {
  description = "ARNs of the roles that starting the task hands over."
  value       = [aws_iam_role.execution.arn, aws_iam_role.task.arn]
}

output "task_definition" {
  description = "Family of the task definition, whose newest revision a command runs."
  value       = aws_ecs_task_definition.this.family
}

output "task_role_arn" {
  description = "Role of the service's own code."
  value       = aws_iam_role.task.arn
}
