variable "cidr" {
  description = "Addresses of the VPC; a /16, which is cut into private /20 and public /24 subnets."
  type        = string
  default     = "10.10.0.0/16"
  nullable    = false

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && endswith(var.cidr, "/16")
    error_message = "The network is a /16 of private addresses, such as \"10.10.0.0/16\"."
  }
}

variable "endpoints" {
  description = "AWS services reached through interface endpoints instead of the internet, by the end of their names; S3's gateway endpoint is free and always there."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for one in var.endpoints : contains(["bedrock-runtime", "ecr.api", "ecr.dkr", "ecs", "logs", "secretsmanager", "ssm", "ssmmessages", "sts"], one)])
    error_message = "An endpoint is the end of a service's name, such as \"bedrock-runtime\", \"ecr.api\", \"ecr.dkr\", \"logs\" or \"secretsmanager\"."
  }
}

variable "flow_logs" {
  description = "Which traffic is recorded, and how many days it is kept."
  type        = object({ days = optional(number, 14), traffic = optional(string, "REJECT") })
  default     = {}
  nullable    = false

  validation {
    condition     = contains(["ACCEPT", "ALL", "REJECT"], var.flow_logs.traffic)
    error_message = "Recorded is \"ALL\" traffic, or only what was let through (\"ACCEPT\") or not (\"REJECT\")."
  }
}

variable "internal_port" {
  description = "Port of the internal listener, which the NAT instance forwards administrators' sessions to."
  type        = number
  default     = 8080
  nullable    = false
}

variable "key_arn" {
  description = "KMS key of the flow logs."
  type        = string
  nullable    = false
}

variable "nat" {
  description = "Way out of the private subnets: an \"instance\" replaced by itself when it fails (cheap, one zone), a \"gateway\" in each zone, or \"none\" if all goes through endpoints."
  type = object({
    image_parameter = optional(string, "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64")
    instance_type   = optional(string, "t4g.nano")
    mode            = optional(string, "instance")
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["gateway", "instance", "none"], var.nat.mode)
    error_message = "A way out is an \"instance\", a \"gateway\" or \"none\"."
  }
}

variable "permissions_boundary" {
  description = "ARN of the boundary of roles; null for none."
  type        = string
  default     = null
}

variable "prefix" {
  description = "Begins the name of every resource."
  type        = string
  nullable    = false
}

variable "zone_letters" {
  description = "Letters of the zones, in order: pinned after the first apply, a zone that AWS adds later moves nothing; null for the region's first ones."
  type        = list(string)
  default     = null

  validation {
    condition     = var.zone_letters == null ? true : length(var.zone_letters) >= 2 && length(distinct(var.zone_letters)) == length(var.zone_letters)
    error_message = "Zones are named by two letters or more, such as [\"a\", \"c\"]."
  }
}

variable "zones" {
  description = "In how many availability zones there are subnets."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = var.zones >= 2 && var.zones <= 6
    error_message = "Load balancers and databases want 2 zones at least; a region has up to 6: such as zones = 2."
  }
}
