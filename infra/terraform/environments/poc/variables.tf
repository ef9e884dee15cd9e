variable "account_id" {
  description = "The AWS account of this environment; Terraform refuses any other."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An account is twelve digits, such as \"123456789012\"."
  }
}

variable "administrators" {
  description = "Addresses that may reach the internal listener, by what they are, such as { vpn = \"10.20.0.0/16\" }; null for the VPC's own."
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
  description = "Inference profile to prefer, profiles to fail over to, and guardrails by id."
  type = object({
    failover   = optional(list(string), [])
    guardrails = optional(set(string), [])
    profile    = optional(string)
  })
  default  = {}
  nullable = false
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

variable "images" {
  description = "Image of each service: by digest or an immutable tag."
  type        = map(string)
  nullable    = false
}

variable "langfuse" {
  description = "Where traces go: { mode = \"self_hosted\" }, { mode = \"external\", url = … } or { mode = \"off\" }."
  type = object({
    admin_email = optional(string)
    capacity    = optional(string, "on-demand")
    mode        = optional(string, "off")
    url         = optional(string)
  })
  default  = {}
  nullable = false
}

variable "monthly_budget_usd" {
  description = "Costs in a month, model calls included, from whose forecast on somebody is told."
  type        = number
  default     = 150
  nullable    = false
}

variable "owner" {
  description = "Team that answers for the environment."
  type        = string
  default     = "platform"
  nullable    = false
}

variable "permissions_boundary" {
  description = "ARN of the boundary that bootstrap made for roles; null for none."
  type        = string
  default     = null
}

variable "region" {
  description = "Where the platform is; Bedrock has to be there as well."
  type        = string
  default     = "us-west-1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-gov)?-[a-z]+-[0-9]$", var.region))
    error_message = "A region looks like \"us-west-1\"."
  }
}

variable "repository" {
  description = "GitHub repository that describes the environment."
  type        = string
  nullable    = false
}
