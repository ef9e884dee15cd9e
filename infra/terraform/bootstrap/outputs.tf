output "backend" {
  description = "Content of backend.hcl, which every root is initialised with."
  value       = <<-END
    bucket     = "${aws_s3_bucket.state.bucket}"
    kms_key_id = "${aws_kms_key.state.arn}"
    region     = "${var.region}"
  END
}

output "permissions_boundary" {
  description = "ARN of the boundary, for the variable of the same name of the environments."
  value       = aws_iam_policy.boundary.arn
}

output "role_arns" {
  description = "Roles of the workflows, by kind and environment."
  value       = module.github_oidc.role_arns
}
