mock_provider "aws" {
  mock_data "aws_availability_zones" {
    defaults = { names = ["us-west-1a", "us-west-1c", "us-west-1d"] }
  }

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}", minified_json = "{}" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { region = "us-west-1" }
  }
}

variables {
  buckets = { logs = { encryption = "s3", expire_days = 90, log_writers = ["delivery.logs.amazonaws.com"] } }
  key_arn = "arn:aws:kms:us-west-1:123456789012:key/example"
  prefix  = "stargate-poc"
}

run "a_bucket_is_closed_versioned_and_encrypted" {
  command = plan

  assert {
    condition     = aws_s3_bucket.this["logs"].bucket == "stargate-poc-logs-123456789012"
    error_message = "The bucket is ${aws_s3_bucket.this["logs"].bucket}."
  }

  assert {
    condition     = aws_s3_bucket_public_access_block.this["logs"].restrict_public_buckets && one(aws_s3_bucket_versioning.this["logs"].versioning_configuration).status == "Enabled"
    error_message = "The bucket is open or keeps no versions."
  }
}

run "there_is_no_file_system_unless_asked" {
  command = plan

  assert {
    condition     = length(aws_efs_file_system.this) == 0 && output.file_system_id == null
    error_message = "There is a file system."
  }
}

run "a_file_system_is_encrypted_and_in_every_zone" {
  command = plan
  variables {
    file_system = {
      access_points = { metrics = { gid = 65534, uid = 65534 } }
      clients       = { metrics = "sg-metrics" }
      subnets       = { a = "subnet-a", c = "subnet-c" }
      vpc_id        = "vpc-example"
    }
  }

  assert {
    condition     = aws_efs_file_system.this[0].encrypted && length(aws_efs_mount_target.this) == 2
    error_message = "The file system is in clear, or missing in a zone."
  }
}

run "an_access_point_for_root_is_refused" {
  command = plan
  variables {
    file_system = {
      access_points = { metrics = { gid = 0, uid = 0 } }
      clients       = {}
      subnets       = { a = "subnet-a" }
      vpc_id        = "vpc-example"
    }
  }
  expect_failures = [var.file_system]
}

run "an_unknown_encryption_is_refused" {
  command = plan
  variables { buckets = { logs = { encryption = "none" } } }
  expect_failures = [var.buckets]
}
