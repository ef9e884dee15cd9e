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
  prefix  = "stargate-poc"
  secrets = { "gateway/master-key" = { description = "The key that may administer the gateway" } }
}

run "a_secret_is_a_container_under_the_key" {
  command = apply

  assert {
    condition     = aws_secretsmanager_secret.this["gateway/master-key"].name == "stargate-poc/gateway/master-key"
    error_message = "The secret has another name."
  }

  assert {
    condition     = aws_secretsmanager_secret.this["gateway/master-key"].kms_key_id == aws_kms_key.this.arn && aws_kms_key.this.enable_key_rotation
    error_message = "The secret is not under the rotated key."
  }
}

run "a_rotation_function_is_attached_where_there_is_one" {
  command = plan
  variables {
    secrets = {
      "gateway/database" = {
        description = "Password of the gateway's database role"
        rotation    = { days = 30, function_arn = "arn:aws:lambda:us-west-1:123456789012:function:rotate" }
      }
      "grafana/admin" = { description = "Password of Grafana's user admin" }
    }
  }

  assert {
    condition     = toset(keys(aws_secretsmanager_secret_rotation.this)) == toset(["gateway/database"])
    error_message = "Rotated are ${jsonencode(keys(aws_secretsmanager_secret_rotation.this))}."
  }
}

run "a_secret_that_does_not_say_what_it_is_is_refused" {
  command = plan
  variables { secrets = { key = { description = "key" } } }
  expect_failures = [var.secrets]
}

run "a_recovery_window_that_aws_does_not_have_is_refused" {
  command = plan
  variables { recovery_window_days = 3 }
  expect_failures = [var.recovery_window_days]
}
