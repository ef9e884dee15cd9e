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
  emails      = { platform = "platform@example.com" }
  environment = "poc"
  key_arn     = "arn:aws:kms:us-west-1:123456789012:key/example"
  prefix      = "stargate-poc"

  alarms = {
    gateway-unhealthy = {
      below       = true
      description = "No task of the gateway passes its health check: look at the service's events."
      metric      = "HealthyHostCount"
      missing     = "breaching"
      namespace   = "AWS/ApplicationELB"
      threshold   = 1
    }
  }
}

run "an_alarm_tells_when_it_begins_and_when_it_ends" {
  command = apply

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["gateway-unhealthy"].alarm_actions == toset([aws_sns_topic.this.arn]) && aws_cloudwatch_metric_alarm.this["gateway-unhealthy"].ok_actions == toset([aws_sns_topic.this.arn])
    error_message = "Nobody is told."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["gateway-unhealthy"].comparison_operator == "LessThanThreshold"
    error_message = "The alarm looks the wrong way."
  }
}

run "there_is_a_budget_if_there_is_an_amount" {
  command = plan
  variables { monthly_budget_usd = 150 }

  assert {
    condition     = aws_budgets_budget.this[0].limit_amount == "150"
    error_message = "The budget is ${aws_budgets_budget.this[0].limit_amount}."
  }

  assert {
    condition     = contains(one(aws_budgets_budget.this[0].cost_filter).values, "user:environment$poc")
    error_message = "The budget looks for another tag."
  }
}

run "an_alarm_that_does_not_say_what_to_do_is_refused" {
  command = plan
  variables { alarms = { a = { description = "CPU high", metric = "CPUUtilization", namespace = "AWS/RDS", threshold = 80 } } }
  expect_failures = [var.alarms]
}

run "an_address_without_a_host_is_refused" {
  command = plan
  variables { emails = { platform = "platform" } }
  expect_failures = [var.emails]
}

run "a_budget_of_nothing_is_refused" {
  command = plan
  variables { monthly_budget_usd = 0 }
  expect_failures = [var.monthly_budget_usd]
}
