output "cluster" {
  description = "Name of the cluster."
  value       = module.cluster.name
}

output "commands" {
  description = "What to run next, in this order on the first deployment."
  value = {
    "1 fill the secrets"     = [for name in sort(values(module.secrets.names)) : "aws secretsmanager put-secret-value --secret-id ${name} --secret-string …"]
    "2 make roles"           = "aws ecs run-task ${local._run} --task-definition ${module.service["database-setup"].task_definition} --network-configuration '${local._task_network["database-setup"]}'"
    "3 migrate the database" = "aws ecs run-task ${local._run} --task-definition ${module.service["gateway-migrate"].task_definition} --network-configuration '${local._task_network["gateway-migrate"]}'"
    "4 see it work"          = "curl --fail ${local._url}/health/readiness"
    "administration"         = "curl ${module.edge.internal_url}/health/readiness, from within the VPC"
  }
}

output "dashboards" {
  description = "Addresses of Grafana and Langfuse; null for what there is not."
  value = {
    grafana  = "${local._url}/grafana/"
    langfuse = var.langfuse.mode == "off" ? null : "${local._url}/langfuse"
  }
}

output "database" {
  description = "Name of the database instance."
  value       = module.database.identifier
}

output "endpoint" {
  description = "What developers set as ANTHROPIC_BASE_URL."
  value       = local._url
}

output "internal_endpoint" {
  description = "Administration, from within the VPC or the VPN."
  value       = module.edge.internal_url
}

output "nat_addresses" {
  description = "Addresses under which the platform appears in the internet."
  value       = module.network.nat_addresses
}

output "nat_group" {
  description = "Group of the NAT instance, through which Session Manager forwards a port; null without one."
  value       = module.network.nat_group
}

output "public_paths" {
  description = "What is let through from the internet."
  value       = module.edge.public_paths
}

output "registries" {
  description = "Where images are pushed, by their name."
  value       = module.registry.urls
}

output "secrets" {
  description = "Full name of each secret by its short one."
  value       = module.secrets.names
}

output "services" {
  description = "Services and one-off tasks: log group, task definition, ports, number of tasks. What ops, workflows and dashboards name is named here."
  value = {
    for name, service in module.service_spec.services : name => {
      kind            = service.kind
      log_group       = module.service[name].log_group
      ports           = service.ports
      task_definition = module.service[name].task_definition
      tasks           = service.tasks
    }
  }
}

locals {
  _run = "--cluster ${module.cluster.name} --launch-type FARGATE"
  _task_network = {
    for name in ["database-setup", "gateway-migrate"] : name => join("", [
      "awsvpcConfiguration={subnets=[${join(",", values(module.network.private_subnets))}],securityGroups=[${aws_security_group.service[name].id}]}",
    ])
  }
}
