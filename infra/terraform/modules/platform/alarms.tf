module "alarms" {
  source = "../alarms"

  alarms             = merge(local._alarms, local._nat_alarms, local._certificate_alarms)
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
      runbook     = "high-error-rate"
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
      runbook     = "gateway-down"
      statistic   = "Minimum"
      threshold   = 1
    }
    edge-errors = {
      description = "The load balancer itself answers with 5xx, as no task took the request: look at the targets, then at its access log."
      dimensions  = { LoadBalancer = module.edge.load_balancer.arn_suffix }
      metric      = "HTTPCode_ELB_5XX_Count"
      namespace   = "AWS/ApplicationELB"
      runbook     = "gateway-down"
      statistic   = "Sum"
      threshold   = 10
    }
    database-cpu = {
      description = "The database has been at 80 % CPU for a quarter of an hour: look at Performance Insights for the statement, or take a larger class."
      dimensions  = { DBInstanceIdentifier = module.database.identifier }
      metric      = "CPUUtilization"
      minutes     = 15
      namespace   = "AWS/RDS"
      runbook     = "database-load"
      threshold   = 80
    }
    database-connections = {
      description = "Four fifths of the database's connections are taken: look for who holds them, then take fewer for each task or raise max_connections."
      dimensions  = { DBInstanceIdentifier = module.database.identifier }
      metric      = "DatabaseConnections"
      namespace   = "AWS/RDS"
      runbook     = "database-load"
      statistic   = "Maximum"
      threshold   = floor(var.database.max_connections * 0.8)
    }
    database-storage = {
      below       = true
      description = "The database has less than 2 GB left and has not grown by itself: raise the maximum of storage_gb."
      dimensions  = { DBInstanceIdentifier = module.database.identifier }
      metric      = "FreeStorageSpace"
      namespace   = "AWS/RDS"
      runbook     = "database-storage"
      threshold   = 2 * 1024 * 1024 * 1024
    }
    database-memory = {
      below       = true
      description = "The database has less than 64 MB of memory left: look for many connections, or take a larger class."
      dimensions  = { DBInstanceIdentifier = module.database.identifier }
      metric      = "FreeableMemory"
      minutes     = 15
      namespace   = "AWS/RDS"
      runbook     = "database-load"
      threshold   = 64 * 1024 * 1024
    }
  }

  # Its group makes a new one in two minutes; this is for when it can't.
  _nat_alarms = var.network.nat.mode != "instance" ? {} : {
    nat-down = {
      below       = true
      description = "There is no NAT instance, so Bedrock can't be reached: look at the activities of its Auto Scaling group."
      dimensions  = { AutoScalingGroupName = module.network.nat_group }
      metric      = "GroupInServiceInstances"
      missing     = "breaching"
      namespace   = "AWS/AutoScaling"
      runbook     = "nat-down"
      statistic   = "Maximum"
      threshold   = 1
    }
  }

  # An alarm sees the metrics of its own region only. Of a certificate elsewhere ACM tells by mail.
  _certificates = var.domain == null ? {} : {
    for name, arn in { certificate-expiring = var.domain.certificate_arn, origin-certificate-expiring = var.domain.origin_certificate_arn } :
    name => arn if arn != null && try(split(":", arn)[3] == data.aws_region.current.region, false)
  }

  _certificate_alarms = {
    for name, arn in local._certificates : name => {
      below       = true
      description = "The certificate ends within three weeks and has not been renewed: look in ACM at why, most often a missing DNS record."
      dimensions  = { CertificateArn = arn }
      every       = 1440
      metric      = "DaysToExpiry"
      minutes     = 1440
      namespace   = "AWS/CertificateManager"
      runbook     = "certificate-expiring"
      statistic   = "Minimum"
      threshold   = 21
    }
  }
}
