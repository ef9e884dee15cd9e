# The cheap one: one of everything, on Spot where it may be. What differs from prod is what
# `diff environments/poc/main.tf environments/prod/main.tf` shows.
module "label" {
  source = "../../modules/label"

  environment = "poc"
  owner       = var.owner
  repository  = var.repository
  root        = "environments/poc"
}

module "platform" {
  source = "../../modules/platform"

  environment            = "poc"
  prefix                 = module.label.prefix
  administrators         = var.administrators
  alarm_emails           = var.alarm_emails
  bedrock                = var.bedrock
  container_insights     = "disabled"
  disposable             = true
  domain                 = var.domain
  images                 = var.images
  langfuse               = var.langfuse
  log_days               = 14
  monthly_budget_usd     = var.monthly_budget_usd
  observability_capacity = "spot"
  permissions_boundary   = var.permissions_boundary

  database = {
    backup_days    = 7
    instance_class = "db.t4g.micro"
    multi_az       = false
  }

  gateway = {
    capacity = "spot"
    settings = jsondecode(file("${path.module}/gateway.json"))
    tasks    = { min = 1, max = 2 }
  }

  network = {
    nat = { mode = "instance", instance_type = "t4g.nano" }
  }
}
