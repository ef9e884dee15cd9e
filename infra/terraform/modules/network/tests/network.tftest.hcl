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
}

run "by_default_one_machine_in_one_zone_leads_out" {
  command = plan

  assert {
    condition     = length(aws_autoscaling_group.nat) == 1 && length(aws_nat_gateway.this) == 0
    error_message = "There is not exactly one NAT instance."
  }

  assert {
    condition     = length(aws_route.nat_instance) == 2
    error_message = "Not every private subnet has a way out."
  }

  assert {
    condition     = one(values(aws_launch_template.nat)).metadata_options[0].http_tokens == "required"
    error_message = "The NAT instance answers metadata requests without a token."
  }
}

run "gateways_are_one_in_each_zone" {
  command = plan
  variables {
    nat   = { mode = "gateway" }
    zones = 3
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 3 && length(aws_route.nat_gateway) == 3 && length(aws_autoscaling_group.nat) == 0
    error_message = "There is not one NAT gateway for each zone."
  }
}

run "without_a_way_out_there_is_no_public_address" {
  command = plan
  variables { nat = { mode = "none" } }

  assert {
    condition     = length(aws_eip.nat_gateway) + length(aws_eip.nat_instance) == 0
    error_message = "There is a public address."
  }
}

run "subnets_do_not_overlap" {
  command = plan

  assert {
    condition     = length(distinct(concat(values(aws_subnet.private)[*].cidr_block, values(aws_subnet.public)[*].cidr_block))) == 4
    error_message = "Two subnets have the same addresses."
  }
}

run "endpoints_are_made_as_asked" {
  command = plan
  variables { endpoints = ["bedrock-runtime", "logs"] }

  assert {
    condition     = toset(keys(aws_vpc_endpoint.this)) == toset(["bedrock-runtime", "logs"])
    error_message = "The endpoints are ${jsonencode(keys(aws_vpc_endpoint.this))}."
  }
}

run "a_network_of_another_size_is_refused" {
  command = plan
  variables { cidr = "10.10.0.0/24" }
  expect_failures = [var.cidr]
}

run "an_unknown_endpoint_is_refused" {
  command = plan
  variables { endpoints = ["bedrock"] }
  expect_failures = [var.endpoints]
}

run "an_unknown_way_out_is_refused" {
  command = plan
  variables { nat = { mode = "vpn" } }
  expect_failures = [var.nat]
}

run "one_zone_is_refused" {
  command = plan
  variables { zones = 1 }
  expect_failures = [var.zones]
}

run "unknown_flow_logs_are_refused" {
  command = plan
  variables { flow_logs = { traffic = "SOME" } }
  expect_failures = [var.flow_logs]
}

run "pinned_zones_stay_where_they_are" {
  command = plan
  variables { zone_letters = ["a", "d"] }

  assert {
    condition     = toset(keys(aws_subnet.private)) == toset(["a", "d"])
    error_message = "The zones are ${jsonencode(keys(aws_subnet.private))}."
  }
}

run "one_pinned_zone_is_refused" {
  command = plan
  variables { zone_letters = ["a"] }
  expect_failures = [var.zone_letters]
}
