variable "administrators" {
  description = "Addresses that may reach the internal listener, by what they are; null for the VPC's own."
  type        = map(string)
  default     = null
}

variable "alarm_emails" {
  description = "Who is told of alarms, by a name of theirs."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "bedrock" {
  description = "Inference profile to prefer, profiles to fail over to, and the guardrails that may be applied, by id."
  type = object({
    failover   = optional(list(string), [])
    guardrails = optional(set(string), [])
    profile    = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for one in concat(var.bedrock.failover, var.bedrock.profile[*]) : contains(["au", "bare", "eu", "global", "jp", "us", "us-gov"], one)])
    error_message = "A profile is \"us\", \"eu\", \"jp\", \"au\", \"us-gov\", \"global\" or \"bare\"."
  }
}

variable "container_insights" {
  description = "How closely CloudWatch looks at tasks: \"disabled\", \"enabled\" or \"enhanced\"."
  type        = string
  default     = "disabled"
  nullable    = false
}

variable "database" {
  description = "Size, version, availability and backups of the database."
  type = object({
    allow_major_version_upgrade = optional(bool, false)
    backup_days                 = optional(number, 7)
    engine_version              = optional(string, "17")
    enhanced_monitoring         = optional(bool, false)
    instance_class              = optional(string, "db.t4g.micro")
    max_connections             = optional(number, 100)
    multi_az                    = optional(bool, false)
    restore_from_snapshot       = optional(string)
    storage_gb                  = optional(object({ initial = optional(number, 20), maximum = optional(number, 100) }), {})
  })
  default  = {}
  nullable = false
}

variable "disposable" {
  description = "Whether the environment can be destroyed with all that is in it: no deletion protection, no recovery of secrets."
  type        = bool
  default     = false
  nullable    = false
}

variable "domain" {
  description = "Own domain and its certificates; null for CloudFront's own name."
  type = object({
    certificate_arn        = string
    name                   = string
    origin_certificate_arn = optional(string)
    zone_id                = optional(string)
  })
  default = null
}

variable "environment" {
  description = "Name of the environment, by whose tag the budget finds its costs."
  type        = string
  nullable    = false
}

variable "expose_metrics" {
  description = "Whether the gateway's metrics, which name users and what they spend, are public."
  type        = bool
  default     = false
  nullable    = false
}

variable "gateway" {
  description = "Size, number and capacity of the gateway's tasks, what they scale by, and the gateway's settings by their environment variables."
  type = object({
    capacity = optional(string, "on-demand")
    cpu      = optional(number, 1024)
    memory   = optional(number, 2048)
    scaling  = optional(object({ concurrent_requests = optional(number, 100), cpu = optional(number, 60), memory = optional(number, 70) }), {})
    settings = optional(map(string), {})
    tasks    = optional(object({ max = optional(number, 1), min = optional(number, 1) }), {})
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.gateway.settings) : startswith(name, "GATEWAY_") && !contains(["GATEWAY_MASTER_KEY", "GATEWAY_HOST", "GATEWAY_PUBLIC_PORT", "GATEWAY_INTERNAL_PORT", "GATEWAY_SHUTDOWN_SECONDS", "GATEWAY_PUBLIC_TRUSTED_PROXIES", "GATEWAY_INTERNAL_TRUSTED_PROXIES", "GATEWAY_BEDROCK_PROFILE", "GATEWAY_BEDROCK_FAILOVER"], name)])
    error_message = "Settings are the gateway's variables that the platform does not set itself, such as { GATEWAY_SUPPORT_CONTACT = \"#llm-gateway\" }."
  }
}

variable "images" {
  description = "Image of each service, and of busybox and postgres for preparations: by digest or an immutable tag."
  type        = map(string)
  nullable    = false

  validation {
    condition     = length(setsubtract(["alertmanager", "busybox", "gateway", "grafana", "postgres", "victoria-metrics", "vmalert"], keys(var.images))) == 0
    error_message = "Images are wanted for alertmanager, busybox, gateway, grafana, postgres, victoria-metrics and vmalert, such as { gateway = \"…/stargate-poc/gateway@sha256:…\" }."
  }

  validation {
    condition     = var.langfuse.mode != "self_hosted" || length(setsubtract(["clickhouse", "langfuse-web", "langfuse-worker", "valkey"], keys(var.images))) == 0
    error_message = "A self-hosted Langfuse wants images for clickhouse, langfuse-web, langfuse-worker and valkey as well."
  }
}

variable "langfuse" {
  description = "Where traces go: a Langfuse in this platform (\"self_hosted\"), one elsewhere (\"external\", with its url), or nowhere (\"off\")."
  type = object({
    admin_email = optional(string)
    capacity    = optional(string, "on-demand")
    mode        = optional(string, "off")
    url         = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["external", "off", "self_hosted"], var.langfuse.mode)
    error_message = "A mode is \"self_hosted\", \"external\" or \"off\"."
  }

  validation {
    condition     = var.langfuse.mode == "external" ? can(regex("^https://", var.langfuse.url)) : var.langfuse.url == null
    error_message = "An external Langfuse has an address, such as { mode = \"external\", url = \"https://us.cloud.langfuse.com\" }; the others have none."
  }

  validation {
    condition     = var.langfuse.mode != "self_hosted" || can(regex("@", var.langfuse.admin_email))
    error_message = "A self-hosted Langfuse wants its first user, such as admin_email = \"platform@example.com\"."
  }
}

variable "log_days" {
  description = "How long services' and the database's logs are kept."
  type        = number
  default     = 30
  nullable    = false
}

variable "longest_answer_seconds" {
  description = "How long an answer may go on when a deployment takes its task away."
  type        = number
  default     = 900
  nullable    = false
}

variable "monthly_budget_usd" {
  description = "Costs in a month, model calls included, from whose forecast on somebody is told; null for no budget."
  type        = number
  default     = null
}

variable "network" {
  description = "Addresses, zones, the way out, endpoints and flow logs."
  type = object({
    cidr      = optional(string, "10.10.0.0/16")
    endpoints = optional(set(string), [])
    flow_logs = optional(object({ days = optional(number, 14), traffic = optional(string, "REJECT") }), {})
    nat = optional(object({
      image_parameter = optional(string, "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64")
      instance_type   = optional(string, "t4g.nano")
      mode            = optional(string, "instance")
    }), {})
    zone_letters = optional(list(string))
    zones        = optional(number, 2)
  })
  default  = {}
  nullable = false
}

variable "observability_capacity" {
  description = "Whether grafana, victoria-metrics, vmalert and alertmanager run on \"spot\" or \"on-demand\"."
  type        = string
  default     = "on-demand"
  nullable    = false
}

variable "permissions_boundary" {
  description = "ARN of the boundary of all roles; null for none."
  type        = string
  default     = null
}

variable "prefix" {
  description = "Begins the name of every resource, as module label makes it."
  type        = string
  nullable    = false
}

variable "price_class" {
  description = "Where CloudFront answers."
  type        = string
  default     = "PriceClass_100"
  nullable    = false
}

variable "tasks" {
  description = "Number of tasks of services other than the gateway, by name; one each unless named."
  type        = map(object({ max = optional(number, 1), min = optional(number, 1) }))
  default     = {}
  nullable    = false
}

variable "web_acl" {
  description = "Rate limit and managed rules in front of CloudFront; null for none."
  type        = object({ requests_per_5_minutes = optional(number, 3000) })
  default     = null
}
