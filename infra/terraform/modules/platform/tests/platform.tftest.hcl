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
  environment = "poc"
  prefix      = "stargate-poc"

  images = {
    alertmanager     = "quay.io/prometheus/alertmanager:v0.28.1"
    busybox          = "public.ecr.aws/docker/library/busybox:1.37.0"
    clickhouse       = "docker.io/clickhouse/clickhouse-server:26.4.1"
    gateway          = "example/gateway:0.1.0"
    grafana          = "example/grafana:0.1.0"
    langfuse-web     = "example/langfuse-web:4.59.0"
    langfuse-worker  = "docker.langfuse.com/langfuse/langfuse-worker:4.59.0"
    postgres         = "public.ecr.aws/docker/library/postgres:17.6-alpine"
    valkey           = "docker.io/valkey/valkey:8.1.4"
    victoria-metrics = "quay.io/victoriametrics/victoria-metrics:v1.136.20"
    vmalert          = "quay.io/victoriametrics/vmalert:v1.136.20"
  }
}

run "without_langfuse_there_is_none_of_its_services" {
  command = plan

  assert {
    condition     = toset(keys(output.services)) == toset(["alertmanager", "database-setup", "gateway", "gateway-migrate", "grafana", "victoria-metrics", "vmalert"])
    error_message = "The services are ${jsonencode(keys(output.services))}."
  }

  assert {
    condition     = !contains(output.public_paths, "/langfuse/*")
    error_message = "The public paths are ${jsonencode(output.public_paths)}."
  }
}

run "an_own_langfuse_brings_its_services_and_its_path" {
  command = plan
  variables { langfuse = { admin_email = "platform@example.com", mode = "self_hosted" } }

  assert {
    condition     = length(setintersection(keys(output.services), ["clickhouse", "langfuse-web", "langfuse-worker", "valkey"])) == 4 && contains(output.public_paths, "/langfuse/*")
    error_message = "The services are ${jsonencode(keys(output.services))}."
  }
}

run "another_langfuse_is_one_redirect_away" {
  command = plan
  variables { langfuse = { mode = "external", url = "https://us.cloud.langfuse.com" } }

  assert {
    condition     = contains(output.public_paths, "/langfuse") && !contains(keys(output.services), "langfuse-web")
    error_message = "The public paths are ${jsonencode(output.public_paths)}."
  }
}

run "metrics_are_private" {
  command = plan

  assert {
    condition     = !contains(output.public_paths, "/metrics")
    error_message = "The public paths are ${jsonencode(output.public_paths)}."
  }
}

run "metrics_are_public_if_somebody_says_so" {
  command = plan
  variables { expose_metrics = true }

  assert {
    condition     = contains(output.public_paths, "/metrics")
    error_message = "The public paths are ${jsonencode(output.public_paths)}."
  }
}

run "an_external_langfuse_without_address_is_refused" {
  command = plan
  variables { langfuse = { mode = "external" } }
  expect_failures = [var.langfuse]
}

run "an_own_langfuse_without_a_first_user_is_refused" {
  command = plan
  variables { langfuse = { mode = "self_hosted" } }
  expect_failures = [var.langfuse]
}

run "a_setting_that_the_platform_makes_is_refused" {
  command = plan
  variables { gateway = { settings = { GATEWAY_MASTER_KEY = "sk-1" } } }
  expect_failures = [var.gateway]
}

run "a_missing_image_is_refused" {
  command = plan
  variables { images = { gateway = "example/gateway:0.1.0" } }
  expect_failures = [var.images]
}

run "an_unknown_profile_is_refused" {
  command = plan
  variables { bedrock = { failover = ["mars"] } }
  expect_failures = [var.bedrock]
}
