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
  cluster            = { arn = "arn:aws:ecs:us-west-1:123456789012:cluster/stargate-poc", name = "stargate-poc" }
  exec_log_group_arn = "arn:aws:logs:us-west-1:123456789012:log-group:/stargate-poc/exec"
  key_arn            = "arn:aws:kms:us-west-1:123456789012:key/example"
  name               = "gateway"
  namespace_id       = "ns-example"
  prefix             = "stargate-poc"
  prepare_image      = "public.ecr.aws/docker/library/busybox:1.37.0"
  security_group_ids = ["sg-example"]
  subnet_ids         = ["subnet-a", "subnet-b"]

  service = {
    cpu     = 1024
    image   = "example/gateway:1.0.0"
    memory  = 2048
    ports   = { public = 4000 }
    secrets = { MASTER = "arn:aws:secretsmanager:us-west-1:123456789012:secret:stargate-poc/gateway-Ab3dEf:field::" }
    user    = "10001:10001"
  }
}

run "a_failed_deployment_rolls_back" {
  command = plan

  assert {
    condition     = one(aws_ecs_service.this[0].deployment_circuit_breaker).enable && one(aws_ecs_service.this[0].deployment_circuit_breaker).rollback
    error_message = "The circuit breaker is off."
  }
}

run "a_task_has_no_public_address" {
  command = plan

  assert {
    condition     = !one(aws_ecs_service.this[0].network_configuration).assign_public_ip
    error_message = "Tasks get a public address."
  }
}

run "it_does_not_scale_unless_asked" {
  command = plan

  assert {
    condition     = length(aws_appautoscaling_target.this) == 0
    error_message = "It scales."
  }
}

run "it_scales_by_all_that_is_asked" {
  command = plan
  variables {
    load_balancer = { arn_suffix = "app/stargate-poc/1", target_group_arn_suffix = "targetgroup/gateway/1" }
    service = {
      cpu     = 1024
      image   = "example/gateway:1.0.0"
      memory  = 2048
      scaling = { concurrent_requests = 100, cpu = 60, memory = 70 }
      tasks   = { max = 6, min = 2 }
    }
  }

  assert {
    condition     = length(aws_appautoscaling_policy.utilization) == 2 && length(aws_appautoscaling_policy.concurrent_requests) == 1
    error_message = "A way to scale is missing."
  }
}

run "a_volume_has_one_writer_at_a_time" {
  command = plan
  variables {
    file_system = { arn = "arn:aws:elasticfilesystem:us-west-1:123456789012:file-system/fs-1", id = "fs-1" }
    service     = { cpu = 256, image = "example/database:1.0.0", memory = 512, volume = { access_point = "fsap-1", path = "/data" } }
  }

  assert {
    condition     = aws_ecs_service.this[0].deployment_maximum_percent == 100 && aws_ecs_service.this[0].deployment_minimum_healthy_percent == 0
    error_message = "Two tasks may write at the same time."
  }
}

run "a_task_to_run_by_hand_has_no_service" {
  command = plan
  variables { service = { cpu = 256, image = "example/migrate:1.0.0", kind = "task", memory = 512 } }

  assert {
    condition     = length(aws_ecs_service.this) == 0 && length(aws_service_discovery_service.this) == 0
    error_message = "There is a service."
  }
}

run "a_secret_in_the_open_is_refused" {
  command = plan
  variables { service = { cpu = 256, environment = { DATABASE_PASSWORD = "hunter2" }, image = "example/a:1.0.0", memory = 512 } }
  expect_failures = [var.service]
}

run "a_secret_that_is_no_reference_is_refused" {
  command = plan
  variables { service = { cpu = 256, image = "example/a:1.0.0", memory = 512, secrets = { DATABASE_PASSWORD = "hunter2" } } }
  expect_failures = [var.service]
}

run "two_writers_of_a_volume_are_refused" {
  command = plan
  variables { service = { cpu = 256, image = "example/a:1.0.0", memory = 512, tasks = { max = 2, min = 1 }, volume = { access_point = "fsap-1", path = "/data" } } }
  expect_failures = [var.service]
}

run "scaling_by_requests_without_who_counts_them_is_refused" {
  command = plan
  variables { service = { cpu = 256, image = "example/a:1.0.0", memory = 512, scaling = { concurrent_requests = 10 } } }
  expect_failures = [var.service]
}

run "a_name_with_capitals_is_refused" {
  command = plan
  variables { name = "Gateway" }
  expect_failures = [var.name]
}
