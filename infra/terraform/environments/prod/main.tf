# The one that people rely on: every part twice, in two zones, and nothing that can be taken away.
# What differs from poc is what `diff environments/poc/main.tf environments/prod/main.tf` shows.
module "label" {
  source = "../../modules/label"

  environment = "prod"
  owner       = var.owner
  repository  = var.repository
  root        = "environments/prod"
}

module "platform" {
  source = "../../modules/platform"

  environment            = "prod"
  prefix                 = module.label.prefix
  administrators         = var.administrators
  alarm_emails           = var.alarm_emails
  bedrock                = var.bedrock
  container_insights     = "enabled"
  disposable             = false
  domain                 = var.domain
  images                 = var.images
  langfuse               = var.langfuse
  log_days               = 90
  monthly_budget_usd     = var.monthly_budget_usd
  observability_capacity = "on-demand"
  permissions_boundary   = var.permissions_boundary
  web_acl                = { requests_per_5_minutes = 3000 }

  database = {
    backup_days         = 30
    enhanced_monitoring = true
    instance_class      = "db.t4g.medium"
    multi_az            = true
    storage_gb          = { initial = 50, maximum = 500 }
  }

  gateway = {
    capacity = "on-demand"
    settings = jsondecode(file("${path.module}/gateway.json"))
    tasks    = { min = 2, max = 6 }
  }

  network = {
    endpoints = ["bedrock-runtime", "ecr.api", "ecr.dkr", "logs", "secretsmanager"]
    flow_logs = { days = 90, traffic = "ALL" }
    nat       = { mode = "gateway" }
  }
}
