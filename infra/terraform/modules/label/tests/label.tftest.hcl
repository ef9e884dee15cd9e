variables {
  environment = "poc"
  owner       = "platform"
  repository  = "example/stargate-llm-gateway"
  root        = "environments/poc"
}

run "names_begin_with_project_and_environment" {
  assert {
    condition     = output.prefix == "stargate-poc"
    error_message = "The prefix is ${output.prefix}."
  }
}

run "tags_lead_back_to_the_description" {
  assert {
    condition     = output.tags.repository == "example/stargate-llm-gateway" && output.tags.root == "environments/poc"
    error_message = "The tags are ${jsonencode(output.tags)}."
  }

  assert {
    condition     = alltrue([for name in ["environment", "managed-by", "owner", "project"] : contains(keys(output.tags), name)])
    error_message = "The tags are ${jsonencode(output.tags)}."
  }
}

run "a_long_environment_is_refused" {
  command = plan
  variables { environment = "proof-of-concept" }
  expect_failures = [var.environment]
}

run "a_repository_without_owner_is_refused" {
  command = plan
  variables { repository = "stargate-llm-gateway" }
  expect_failures = [var.repository]
}

run "an_empty_owner_is_refused" {
  command = plan
  variables { owner = " " }
  expect_failures = [var.owner]
}

run "a_project_with_capitals_is_refused" {
  command = plan
  variables { project = "Stargate" }
  expect_failures = [var.project]
}

run "a_root_with_spaces_is_refused" {
  command = plan
  variables { root = "my environment" }
  expect_failures = [var.root]
}
