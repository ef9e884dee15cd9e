output "provider_arn" {
  description = "The account's OIDC provider for GitHub."
  value       = local.provider_arn
}

output "role_arns" {
  description = "What a workflow gives to aws-actions/configure-aws-credentials, by the role's name."
  value       = { for name, role in aws_iam_role.this : name => role.arn }
}
