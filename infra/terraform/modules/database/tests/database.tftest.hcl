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
  clients    = { gateway = "sg-gateway" }
  key_arn    = "arn:aws:kms:us-west-1:123456789012:key/example"
  prefix     = "stargate-poc"
  subnet_ids = ["subnet-a", "subnet-b"]
  vpc_id     = "vpc-example"
}

run "it_is_private_encrypted_and_kept" {
  command = plan

  assert {
    condition     = !aws_db_instance.this.publicly_accessible && aws_db_instance.this.storage_encrypted && aws_db_instance.this.deletion_protection
    error_message = "The database is public, in clear or easily deleted."
  }

  assert {
    condition     = !aws_db_instance.this.skip_final_snapshot && aws_db_instance.this.backup_retention_period == 7
    error_message = "The database goes without a snapshot."
  }
}

run "nobody_connects_in_clear" {
  command = plan

  assert {
    condition     = contains([for one in aws_db_parameter_group.this.parameter : "${one.name}=${one.value}"], "rds.force_ssl=1")
    error_message = "TLS is not forced."
  }
}

run "its_password_is_in_no_variable" {
  command = plan

  assert {
    condition     = aws_db_instance.this.manage_master_user_password && aws_db_instance.this.password == null
    error_message = "The password is not managed by RDS."
  }
}

run "a_major_upgrade_brings_its_parameter_group" {
  command = plan
  variables {
    allow_major_version_upgrade = true
    engine_version              = "18.1"
  }

  assert {
    condition     = aws_db_parameter_group.this.family == "postgres18" && aws_db_parameter_group.this.name == "stargate-poc-postgres18"
    error_message = "The parameter group is ${aws_db_parameter_group.this.name}."
  }
}

run "an_old_version_is_refused" {
  command = plan
  variables { engine_version = "12" }
  expect_failures = [var.engine_version]
}

run "no_backups_are_refused" {
  command = plan
  variables { backup_days = 0 }
  expect_failures = [var.backup_days]
}

run "subnets_in_one_zone_are_refused" {
  command = plan
  variables { subnet_ids = ["subnet-a"] }
  expect_failures = [var.subnet_ids]
}

run "storage_that_cannot_grow_is_refused" {
  command = plan
  variables { storage_gb = { initial = 20, maximum = 20 } }
  expect_failures = [var.storage_gb]
}

run "a_database_with_a_dash_is_refused" {
  command = plan
  variables { database_name = "llm-gateway" }
  expect_failures = [var.database_name]
}

run "an_instance_class_of_ec2_is_refused" {
  command = plan
  variables { instance_class = "t4g.micro" }
  expect_failures = [var.instance_class]
}

run "a_handful_of_connections_is_refused" {
  command = plan
  variables { max_connections = 5 }
  expect_failures = [var.max_connections]
}
