output "commands" {
  description = "What to run next, in this order on the first deployment."
  value       = module.platform.commands
}

output "dashboards" {
  description = "Addresses of Grafana and Langfuse."
  value       = module.platform.dashboards
}

output "endpoint" {
  description = "What developers set as ANTHROPIC_BASE_URL."
  value       = module.platform.endpoint
}

output "operations" {
  description = "Names that ops and workflows work with."
  value = {
    cluster           = module.platform.cluster
    database          = module.platform.database
    internal_endpoint = module.platform.internal_endpoint
    nat_group         = module.platform.nat_group
    registries        = module.platform.registries
    secrets           = module.platform.secrets
    services          = module.platform.services
  }
}
