output "connections" {
  description = "Who may open a connection to whom, and to which port; everything else is closed."
  value       = local.connections
}

output "routes" {
  description = "What load balancers send to services: target group, its port and health check, and the public paths with their priority."
  value       = local.routes
}

output "services" {
  description = "The services, validated and with their defaults filled in."
  value       = var.services
}
