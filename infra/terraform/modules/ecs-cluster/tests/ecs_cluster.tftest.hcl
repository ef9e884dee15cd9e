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
  key_arn = "arn:aws:kms:us-west-1:123456789012:key/example"
  prefix  = "stargate-poc"
  vpc_id  = "vpc-example"
}

run "sessions_in_containers_are_recorded_and_encrypted" {
  command = plan

  assert {
    condition     = one(one(aws_ecs_cluster.this.configuration).execute_command_configuration).logging == "OVERRIDE"
    error_message = "Sessions are not recorded."
  }

  assert {
    condition     = aws_cloudwatch_log_group.exec.retention_in_days == 365 && aws_cloudwatch_log_group.exec.kms_key_id == var.key_arn
    error_message = "The record is not kept for a year under the key."
  }
}

run "a_short_record_is_refused" {
  command = plan
  variables { exec_log_days = 30 }
  expect_failures = [var.exec_log_days]
}

run "unknown_insights_are_refused" {
  command = plan
  variables { container_insights = "on" }
  expect_failures = [var.container_insights]
}
