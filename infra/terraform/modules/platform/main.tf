data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  _account = data.aws_caller_identity.current.account_id
  _region  = data.aws_region.current.region
}

module "network" {
  source = "../network"

  cidr                 = var.network.cidr
  endpoints            = var.network.endpoints
  flow_logs            = var.network.flow_logs
  internal_port        = local._internal_port
  key_arn              = module.secrets.key_arn
  nat                  = var.network.nat
  permissions_boundary = var.permissions_boundary
  prefix               = var.prefix
  zone_letters         = var.network.zone_letters
  zones                = var.network.zones
}

module "secrets" {
  source = "../secrets"

  prefix               = var.prefix
  recovery_window_days = var.disposable ? 0 : 30
  secrets              = local._secrets
}

module "registry" {
  source = "../registry"

  disposable   = var.disposable
  key_arn      = module.secrets.key_arn
  prefix       = var.prefix
  repositories = merge({ gateway = {}, grafana = {} }, local._self_hosted ? { langfuse-web = {} } : {})
}

module "storage" {
  source = "../storage"

  disposable = var.disposable
  key_arn    = module.secrets.key_arn
  prefix     = var.prefix

  buckets = merge(
    {
      logs = {
        encryption  = "s3"
        expire_days = 90
        log_writers = ["delivery.logs.amazonaws.com", "logdelivery.elasticloadbalancing.amazonaws.com"]
      }
    },
    local._self_hosted ? { langfuse = {} } : {},
  )

  file_system = {
    access_points = { for name in keys(local._volumes) : name => local._volume_users[name] }
    backup        = !var.disposable
    clients       = { for name in keys(local._volumes) : name => aws_security_group.service[name].id }
    subnets       = module.network.private_subnets
    vpc_id        = module.network.vpc_id
  }
}

module "database" {
  source = "../database"

  allow_major_version_upgrade = var.database.allow_major_version_upgrade
  backup_days                 = var.database.backup_days
  clients                     = { for name in local._database_clients : name => aws_security_group.service[name].id }
  deletion_protection         = !var.disposable
  engine_version              = var.database.engine_version
  enhanced_monitoring         = var.database.enhanced_monitoring
  instance_class              = var.database.instance_class
  key_arn                     = module.secrets.key_arn
  log_days                    = var.log_days
  max_connections             = var.database.max_connections
  multi_az                    = var.database.multi_az
  permissions_boundary        = var.permissions_boundary
  prefix                      = var.prefix
  restore_from_snapshot       = var.database.restore_from_snapshot
  storage_gb                  = var.database.storage_gb
  subnet_ids                  = values(module.network.private_subnets)
  vpc_id                      = module.network.vpc_id
}

module "cluster" {
  source = "../ecs-cluster"

  container_insights = var.container_insights
  key_arn            = module.secrets.key_arn
  prefix             = var.prefix
  vpc_id             = module.network.vpc_id
}

module "edge" {
  source = "../edge"

  administrators          = coalesce(var.administrators, { vpc = var.network.cidr })
  deletion_protection     = !var.disposable
  domain                  = var.domain
  internal_port           = local._internal_port
  internal_route          = "gateway-internal"
  log_bucket              = { arn = module.storage.bucket_arns["logs"], name = module.storage.bucket_names["logs"] }
  prefix                  = var.prefix
  price_class             = var.price_class
  redirects               = var.langfuse.mode == "external" ? { "/langfuse" = var.langfuse.url } : {}
  routes                  = module.service_spec.routes
  service_security_groups = { for name, group in aws_security_group.service : name => group.id }
  subnet_ids              = values(module.network.private_subnets)
  timeouts                = { drain_seconds = var.longest_answer_seconds, idle_seconds = 70, read_seconds = 60 }
  vpc_id                  = module.network.vpc_id
  web_acl                 = var.web_acl
}

locals {
  _internal_port = 8080
}
