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
      runbook     = "gateway-down"
      threshold   = 1
    }
    certificate-expiring = {
      below       = true
      description = "The certificate ends within three weeks: look in ACM at why it is not renewed."
      every       = 1440
      metric      = "DaysToExpiry"
      minutes     = 1440
      namespace   = "AWS/CertificateManager"
      runbook     = "certificate-expiring"
      threshold   = 21
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

run "an_alarm_names_its_runbook" {
  command = plan

  assert {
    condition     = endswith(aws_cloudwatch_metric_alarm.this["gateway-unhealthy"].alarm_description, "Runbook: docs/runbooks/gateway-down.md")
    error_message = "Whoever is woken does not know where to look."
  }
}

run "an_alarm_looks_as_often_as_its_metric_comes" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.this["certificate-expiring"].period == 86400 && aws_cloudwatch_metric_alarm.this["certificate-expiring"].evaluation_periods == 1
    error_message = "A metric of twice a day is looked for each minute."
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
  variables { alarms = { a = { description = "CPU high", metric = "CPUUtilization", namespace = "AWS/RDS", runbook = "database-load", threshold = 80 } } }
  expect_failures = [var.alarms]
}

run "a_page_of_elsewhere_is_no_runbook" {
  command = plan
  variables { alarms = { a = { description = "CPU has been high for a while: look at the statements.", metric = "CPUUtilization", namespace = "AWS/RDS", runbook = "https://wiki.example.com", threshold = 80 } } }
  expect_failures = [var.alarms]
}

run "half_a_period_is_refused" {
  command = plan
  variables { alarms = { a = { description = "CPU has been high for a while: look at the statements.", every = 10, metric = "CPUUtilization", minutes = 15, namespace = "AWS/RDS", runbook = "database-load", threshold = 80 } } }
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
