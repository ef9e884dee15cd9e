output "arns" {
  description = "ARN of each repository by its name."
  value       = { for name, one in aws_ecr_repository.this : name => one.arn }
}

output "urls" {
  description = "What to push to, by the repository's name."
  value       = { for name, one in aws_ecr_repository.this : name => one.repository_url }
}
