output "access_point_arns" {
  description = "ARN of each access point by its name."
  value       = { for name, point in aws_efs_access_point.this : name => point.arn }
}

output "access_point_ids" {
  description = "Id of each access point by its name."
  value       = { for name, point in aws_efs_access_point.this : name => point.id }
}

output "bucket_arns" {
  description = "ARN of each bucket by the middle of its name."
  value       = { for name, bucket in aws_s3_bucket.this : name => bucket.arn }
}

output "bucket_names" {
  description = "Name of each bucket by the middle of it, once its policy stands."
  value       = { for name, bucket in aws_s3_bucket.this : name => bucket.bucket }

  depends_on = [aws_s3_bucket_policy.this]
}

output "file_system_arn" {
  description = "ARN of the file system; null if there is none."
  value       = one(aws_efs_file_system.this[*].arn)
}

output "file_system_id" {
  description = "Id of the file system, once it can be mounted; null if there is none."
  value       = one(aws_efs_file_system.this[*].id)

  depends_on = [aws_efs_mount_target.this]
}
