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
  administrators          = { vpc = "10.10.0.0/16" }
  internal_route          = "gateway-internal"
  log_bucket              = { arn = "arn:aws:s3:::logs", name = "logs" }
  prefix                  = "stargate-poc"
  service_security_groups = { gateway = "sg-gateway" }
  subnet_ids              = ["subnet-a", "subnet-b"]
  vpc_id                  = "vpc-example"

  routes = {
    gateway-internal = { health_path = "/health/liveliness", paths = [], port = 4001, service = "gateway" }
    gateway-public   = { health_path = "/health/liveliness", paths = ["/v1/*", "/health/*"], port = 4000, priority = 10, service = "gateway" }
  }
}

run "the_load_balancer_is_internal" {
  command = plan

  assert {
    condition     = aws_lb.this.internal
    error_message = "The load balancer is public."
  }
}

run "what_is_not_public_is_refused_by_the_edge_listener" {
  command = plan

  assert {
    condition     = one(one(aws_lb_listener.edge.default_action).fixed_response).status_code == "403"
    error_message = "The edge listener answers something else than 403."
  }

  assert {
    condition     = toset(keys(aws_lb_listener_rule.public)) == toset(["gateway-public"])
    error_message = "The edge listener forwards ${jsonencode(keys(aws_lb_listener_rule.public))}."
  }
}

run "every_behaviour_has_the_function" {
  command = plan

  assert {
    condition     = alltrue([for one in aws_cloudfront_distribution.this.ordered_cache_behavior : length(one.function_association) == 1])
    error_message = "A behaviour is without the function."
  }

  assert {
    condition     = length(one(aws_cloudfront_distribution.this.default_cache_behavior).function_association) == 1
    error_message = "The default behaviour is without the function."
  }
}

run "a_redirect_is_public_and_has_no_rule" {
  command = plan
  variables { redirects = { "/langfuse" = "https://langfuse.example.com" } }

  assert {
    condition     = contains(output.public_paths, "/langfuse/*") && length(aws_lb_listener_rule.public) == 1
    error_message = "The public paths are ${jsonencode(output.public_paths)}."
  }
}

run "an_own_domain_brings_encryption_on_both_sides" {
  command = plan
  variables {
    domain = {
      certificate_arn        = "arn:aws:acm:us-east-1:123456789012:certificate/viewer"
      name                   = "llm.example.com"
      origin_certificate_arn = "arn:aws:acm:us-west-1:123456789012:certificate/origin"
      zone_id                = "Z1"
    }
  }

  assert {
    condition     = aws_lb_listener.edge.protocol == "HTTPS" && aws_lb_listener.internal.protocol == "HTTPS"
    error_message = "A listener takes plain HTTP."
  }

  assert {
    condition     = one(aws_cloudfront_distribution.this.viewer_certificate).minimum_protocol_version == "TLSv1.2_2021"
    error_message = "CloudFront takes old versions of TLS."
  }

  assert {
    condition     = output.internal_url == "https://internal.llm.example.com:8080" && length(aws_route53_record.internal) == 1
    error_message = "Administration is at ${output.internal_url}."
  }

  assert {
    condition     = toset(keys(aws_route53_record.this)) == toset(["A", "AAAA"])
    error_message = "The name does not lead to CloudFront by IPv4 and IPv6."
  }
}

run "a_web_acl_is_a_choice" {
  command = plan
  variables { web_acl = { requests_per_5_minutes = 2000 } }

  assert {
    condition     = length(aws_wafv2_web_acl.this) == 1 && length(aws_wafv2_web_acl_logging_configuration.this) == 1
    error_message = "There is no web ACL, or it writes no log."
  }
}

run "a_certificate_from_another_region_is_refused" {
  command = plan
  variables { domain = { certificate_arn = "arn:aws:acm:us-west-1:123456789012:certificate/1", name = "llm.example.com" } }
  expect_failures = [var.domain]
}

run "administrators_from_anywhere_are_refused" {
  command = plan
  variables { administrators = { everybody = "0.0.0.0/0" } }
  expect_failures = [var.administrators]
}

run "a_load_balancer_less_patient_than_cloudfront_is_refused" {
  command = plan
  variables { timeouts = { idle_seconds = 30, read_seconds = 60 } }
  expect_failures = [var.timeouts]
}

run "more_patience_than_cloudfront_has_is_refused" {
  command = plan
  variables { timeouts = { idle_seconds = 400, read_seconds = 300 } }
  expect_failures = [var.timeouts]
}

run "an_internal_route_that_is_not_there_is_refused" {
  command = plan
  variables { internal_route = "admin" }
  expect_failures = [var.internal_route]
}

run "an_unknown_price_class_is_refused" {
  command = plan
  variables { price_class = "cheap" }
  expect_failures = [var.price_class]
}

run "a_redirect_in_clear_is_refused" {
  command = plan
  variables { redirects = { "/langfuse" = "http://langfuse.example.com" } }
  expect_failures = [var.redirects]
}

run "a_rate_that_locks_out_an_office_is_refused" {
  command = plan
  variables { web_acl = { requests_per_5_minutes = 10 } }
  expect_failures = [var.web_acl]
}
