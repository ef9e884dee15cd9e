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
  project    = "stargate"
  repository = "example/stargate-llm-gateway"

  roles = {
    apply-poc = {
      description      = "Applies to poc"
      managed_policies = ["arn:aws:iam::aws:policy/PowerUserAccess"]
      policy           = "{}"
      subjects         = ["environment:poc"]
    }
  }
}

run "a_role_is_for_the_named_workflows_alone" {
  command = plan

  assert {
    condition     = contains(flatten([for one in data.aws_iam_policy_document.trust["apply-poc"].statement[0].condition : one.values]), "repo:example/stargate-llm-gateway:environment:poc")
    error_message = "Others may take the role."
  }
}

run "an_account_that_has_the_provider_keeps_it" {
  command = plan
  variables { create_provider = false }

  assert {
    condition     = length(aws_iam_openid_connect_provider.this) == 0 && output.provider_arn == "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    error_message = "There would be a second provider."
  }
}

run "a_wildcard_subject_is_refused" {
  command = plan
  variables { roles = { open = { description = "For all", policy = "{}", subjects = ["*"] } } }
  expect_failures = [var.roles]
}

run "a_wildcard_repository_is_refused" {
  command = plan
  variables { repository = "example/*" }
  expect_failures = [var.repository]
}
