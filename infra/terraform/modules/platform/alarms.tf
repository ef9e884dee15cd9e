module "alarms" {
  source = "../alarms"

  alarms             = local._alarms
  emails             = var.alarm_emails
  environment        = var.environment
  key_arn            = module.secrets.key_arn
  monthly_budget_usd = var.monthly_budget_usd
  prefix             = var.prefix
}

locals {
  # CloudWatch sees what the platform's own alerts cannot: that they, or everything, are gone.
  _alarms = {
    gateway-errors = {
      description = "The gateway answers with 5xx: look at its log first, then at the database and at Bedrock's state in the region."
      dimensions  = { LoadBalancer = module.edge.load_balancer.arn_suffix, TargetGroup = module.edge.target_groups["gateway-public"].arn_suffix }
      metric      = "HTTPCode_Target_5XX_Count"
      namespace   = "AWS/ApplicationELB"
      statistic   = "Sum"
      threshold   = 10
    }
    gateway-unhealthy = {
      below       = true
      description = "No task of the gateway passes its health check: look at the service's events and at the last deployment."
      dimensions  = { LoadBalancer = module.edge.load_balancer.arn_suffix, TargetGroup = module.edge.target_groups["gateway-public"].arn_suffix }
      metric      = "HealthyHostCount"
      minutes     = 3
      missing     = "breaching"
      namespace   = "AWS/ApplicationELB"
      statistic   = "Minimum"
      threshold   = 1
    }
    edge-errors = {
      description = "The load balancer itself answers with 5xx, as no task took the request: look at the targets, then at its access log."
      dimensions  = { LoadBalancer = module.edge.load_balancer.arn_suffix }
      metric      = "HTTPCode_ELB_5XX_Count"
      namespace   = "AWS/ApplicationELB"
      statistic   = "Sum"
      threshold   = 10
    }
    database-cpu = {
      description = "The database has been at 80 % CPU for a quarter of an hour: look at Performance Insights for the statement, or take a larger class."
      dimensions  = { DBInstanceIdentifier = module.database.identifier }
      metric      = "CPUUtilization"
      minutes     = 15
      namespace   = "AWS/RDS"
      threshold   = 80
    }
    database-storage = {
      below       = true
      description = "The database has less than 2 GB left and has not grown by itself: raise the maximum of storage_gb."
      dimensions  = { DBInstanceIdentifier = module.database.identifier }
      metric      = "FreeStorageSpace"
      namespace   = "AWS/RDS"
      threshold   = 2 * 1024 * 1024 * 1024
    }
    database-memory = {
      below       = true
      description = "The database has less than 64 MB of memory left: look for many connections, or take a larger class."
      dimensions  = { DBInstanceIdentifier = module.database.identifier }
      metric      = "FreeableMemory"
      minutes     = 15
      namespace   = "AWS/RDS"
      threshold   = 64 * 1024 * 1024
    }
  }
}
