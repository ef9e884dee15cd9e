terraform {
  required_version = ">= 1.11"
}

module "label" {
  source = "../../"

  environment = "poc"
  owner       = "platform"
  repository  = "example/stargate-llm-gateway"
  root        = "environments/poc"
}

output "prefix" {
  description = "Begins the name of every resource."
  value       = module.label.prefix
}

output "tags" {
  description = "Tags of every resource."
  value       = module.label.tags
}
