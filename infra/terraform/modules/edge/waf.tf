# Prompts are full of what rules for web pages call an attack (code, SQL, shell, large bodies), so
# those rules look at the dashboards alone; for the rest the address and its rate decide.
locals {
  _rules = var.web_acl == null ? {} : {
    ip-reputation = { priority = 10, group = "AWSManagedRulesAmazonIpReputationList", dashboards_only = false }
    bad-inputs    = { priority = 20, group = "AWSManagedRulesKnownBadInputsRuleSet", dashboards_only = true }
    common        = { priority = 30, group = "AWSManagedRulesCommonRuleSet", dashboards_only = true }
  }
}

resource "aws_wafv2_web_acl" "this" {
  # checkov:skip=CKV_AWS_192:The rule set with Log4j's is there for the dashboards; in a prompt its pattern is text
  count = var.web_acl == null ? 0 : 1

  region = "us-east-1"

  name        = var.prefix
  description = "Rate of each address, addresses of ill repute, attacks on the dashboards"
  scope       = "CLOUDFRONT"

  default_action {
    allow {}
  }

  rule {
    name     = "rate"
    priority = 1

    action {
      block {}
    }

    statement {
      rate_based_statement {
        aggregate_key_type    = "IP"
        evaluation_window_sec = 300
        limit                 = var.web_acl.requests_per_5_minutes
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "rate"
      sampled_requests_enabled   = false
    }
  }

  dynamic "rule" {
    for_each = local._rules

    content {
      name     = rule.key
      priority = rule.value.priority

      override_action {
        none {}
      }

      statement {
        managed_rule_group_statement {
          name        = rule.value.group
          vendor_name = "AWS"

          dynamic "scope_down_statement" {
            for_each = slice(["dashboards"], 0, rule.value.dashboards_only ? 1 : 0)

            content {
              regex_match_statement {
                regex_string = "^/(grafana|langfuse)(/|$)"

                field_to_match {
                  uri_path {}
                }

                text_transformation {
                  priority = 0
                  type     = "URL_DECODE"
                }
              }
            }
          }
        }
      }

      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = rule.key
        sampled_requests_enabled   = false
      }
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = var.prefix
    sampled_requests_enabled   = false
  }
}

# trivy:ignore:AWS-0017 The same reason as for checkov below
resource "aws_cloudwatch_log_group" "web_acl" {
  # checkov:skip=CKV_AWS_158:The environment's key is in another region than CloudFront's logs, which hold no secrets: keys are redacted
  count = var.web_acl == null ? 0 : 1

  region = "us-east-1"

  name              = "aws-waf-logs-${var.prefix}"
  retention_in_days = 365
}

resource "aws_wafv2_web_acl_logging_configuration" "this" {
  count = var.web_acl == null ? 0 : 1

  region = "us-east-1"

  log_destination_configs = [aws_cloudwatch_log_group.web_acl[0].arn]
  resource_arn            = aws_wafv2_web_acl.this[0].arn

  redacted_fields {
    single_header {
      name = "authorization"
    }
  }

  redacted_fields {
    single_header {
      name = "x-api-key"
    }
  }
}
