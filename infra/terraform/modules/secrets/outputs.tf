output "arns" {
  description = "ARN of each secret by its name."
  value       = { for name, secret in aws_secretsmanager_secret.this : name => secret.arn }
}

output "key_arn" {
  description = "ARN of the environment's KMS key."
  value       = aws_kms_key.this.arn
}

output "names" {
  description = "Full name of each secret by its short one, as commands want it."
  value       = { for name, secret in aws_secretsmanager_secret.this : name => secret.name }
}
