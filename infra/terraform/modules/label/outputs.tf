output "prefix" {
  description = "Begins the name of every resource."
  value       = local.prefix
}

output "tags" {
  description = "Tags of every resource, for the provider's default_tags."
  value = {
    environment = var.environment
    managed-by  = "terraform"
    owner       = var.owner
    project     = var.project
    repository  = var.repository
    root        = var.root
  }
}
