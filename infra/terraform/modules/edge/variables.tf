variable "administrators" {
  description = "Addresses that may reach the internal listener, by what they are; the listener is in the VPC in any case."
  type        = map(string)
  nullable    = false

  validation {
    condition     = alltrue([for cidr in values(var.administrators) : can(cidrhost(cidr, 0)) && !startswith(cidr, "0.0.0.0")])
    error_message = "Administrators come from addresses within the VPC or the VPN, such as { vpc = \"10.10.0.0/16\" }."
  }

  # A security group holds 60 rules, and CloudFront's prefix list counts as 55 of them.
  validation {
    condition     = length(var.administrators) <= 5
    error_message = "There is room for 5 networks of administrators, such as { vpc = \"10.10.0.0/16\", vpn = \"10.20.0.0/16\" }."
  }
}

variable "deletion_protection" {
  description = "Whether AWS refuses to delete the load balancer."
  type        = bool
  default     = true
  nullable    = false
}

variable "domain" {
  description = "Own domain: its certificate in us-east-1 for CloudFront, one in the platform's region for the load balancer (for the name and for internal.name), and the Route 53 zone if there is one; null for CloudFront's own name."
  type = object({
    certificate_arn        = string
    name                   = string
    origin_certificate_arn = optional(string)
    zone_id                = optional(string)
  })
  default = null

  validation {
    condition     = var.domain == null ? true : can(regex("^arn:aws[a-z-]*:acm:us-east-1:", var.domain.certificate_arn))
    error_message = "CloudFront takes certificates from us-east-1 only, such as \"arn:aws:acm:us-east-1:123456789012:certificate/…\"."
  }
}

variable "internal_port" {
  description = "Port of the internal listener."
  type        = number
  default     = 8080
  nullable    = false
}

variable "internal_route" {
  description = "Route that the internal listener leads to."
  type        = string
  nullable    = false

  validation {
    condition     = contains(keys(var.routes), var.internal_route)
    error_message = "The internal listener leads to one of the routes, such as \"gateway-internal\"."
  }
}

variable "log_bucket" {
  description = "Bucket of the access logs."
  type        = object({ arn = string, name = string })
  nullable    = false
}

variable "prefix" {
  description = "Begins the name of every resource."
  type        = string
  nullable    = false
}

variable "price_class" {
  description = "Where CloudFront answers: North America and Europe (\"PriceClass_100\"), or more."
  type        = string
  default     = "PriceClass_100"
  nullable    = false

  validation {
    condition     = contains(["PriceClass_100", "PriceClass_200", "PriceClass_All"], var.price_class)
    error_message = "A price class is \"PriceClass_100\", \"PriceClass_200\" or \"PriceClass_All\"."
  }
}

variable "redirects" {
  description = "Where a prefix lives if not here, such as { \"/langfuse\" = \"https://langfuse.example.com\" }."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for prefix, target in var.redirects : startswith(prefix, "/") && startswith(target, "https://")])
    error_message = "A redirect leads from a prefix to an HTTPS address, such as { \"/langfuse\" = \"https://langfuse.example.com\" }."
  }
}

variable "routes" {
  description = "Target groups by name, as module service-spec returns them; a route without paths is not public."
  type = map(object({
    health_path = string
    paths       = list(string)
    port        = number
    priority    = optional(number)
    service     = string
  }))
  nullable = false
}

variable "service_security_groups" {
  description = "Security group of each service by its name."
  type        = map(string)
  nullable    = false
}

variable "subnet_ids" {
  description = "Private subnets of the load balancer."
  type        = list(string)
  nullable    = false
}

variable "timeouts" {
  description = "Silence that CloudFront and the load balancer bear, and how long an answer may go on when its task is taken away."
  type = object({
    drain_seconds = optional(number, 900)
    idle_seconds  = optional(number, 70)
    read_seconds  = optional(number, 60)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.timeouts.read_seconds >= 1 && var.timeouts.read_seconds <= 120
    error_message = "CloudFront waits up to 120 seconds for the origin's next byte, such as read_seconds = 60."
  }

  validation {
    condition     = var.timeouts.idle_seconds > var.timeouts.read_seconds
    error_message = "The load balancer waits longer than CloudFront, so that CloudFront's answer is the one that is seen: such as { read_seconds = 60, idle_seconds = 70 }."
  }

  validation {
    condition     = var.timeouts.drain_seconds >= 0 && var.timeouts.drain_seconds <= 3600
    error_message = "A target drains for at most an hour, such as drain_seconds = 900."
  }
}

variable "vpc_id" {
  description = "VPC of the load balancer."
  type        = string
  nullable    = false
}

variable "web_acl" {
  description = "Rate limit of each address, and AWS's managed rules; null for none."
  type        = object({ requests_per_5_minutes = optional(number, 3000) })
  default     = null

  validation {
    condition     = var.web_acl == null ? true : var.web_acl.requests_per_5_minutes >= 100
    error_message = "Claude Code asks often, and an office shares an address: such as { requests_per_5_minutes = 3000 }."
  }
}
