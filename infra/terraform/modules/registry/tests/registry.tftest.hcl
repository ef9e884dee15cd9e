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
  key_arn      = "arn:aws:kms:us-west-1:123456789012:key/example"
  prefix       = "stargate-poc"
  repositories = { gateway = {} }
}

run "tags_do_not_move_and_images_are_scanned" {
  command = plan

  assert {
    condition     = aws_ecr_repository.this["gateway"].image_tag_mutability == "IMMUTABLE" && one(aws_ecr_repository.this["gateway"].image_scanning_configuration).scan_on_push
    error_message = "Tags move, or images are not scanned."
  }
}

run "old_images_go" {
  command = plan
  variables { repositories = { gateway = { keep_images = 10 } } }

  assert {
    condition     = jsondecode(aws_ecr_lifecycle_policy.this["gateway"].policy).rules[1].selection.countNumber == 10
    error_message = "The lifecycle policy keeps another number of images."
  }
}

run "too_few_images_for_a_rollback_are_refused" {
  command = plan
  variables { repositories = { gateway = { keep_images = 1 } } }
  expect_failures = [var.repositories]
}
