terraform {
  required_version = ">= 1.11"
}

module "service_spec" {
  source = "../../"

  services = {
    gateway = {
      cpu    = 1024
      image  = "example/gateway:1.0.0"
      memory = 2048
      ports  = { public = 4000 }
      routes = { public = { health_path = "/health/liveliness", paths = ["/v1/*"], priority = 10 } }
    }
    grafana = {
      calls  = { gateway = ["public"] }
      cpu    = 256
      image  = "grafana/grafana:13.2.3"
      memory = 512
    }
  }
}

output "connections" {
  description = "Who may connect to whom."
  value       = module.service_spec.connections
}

output "routes" {
  description = "What load balancers send to whom."
  value       = module.service_spec.routes
}
