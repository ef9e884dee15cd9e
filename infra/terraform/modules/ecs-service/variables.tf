variable "cluster" {
  description = "Cluster that the service runs in."
  type        = object({ arn = string, name = string })
  nullable    = false
}

variable "exec_log_group_arn" {
  description = "Log group that records ECS Exec sessions."
  type        = string
  nullable    = false
}

variable "file_system" {
  description = "EFS file system of the volume; null if the service has none."
  type        = object({ arn = string, id = string })
  default     = null
}

variable "key_arn" {
  description = "KMS key of logs and secrets."
  type        = string
  nullable    = false
}

variable "load_balancer" {
  description = "Ends of the ARNs that CloudWatch names load balancer and target group by; null if the service does not scale by requests."
  type        = object({ arn_suffix = string, target_group_arn_suffix = string })
  default     = null
}

variable "log_days" {
  description = "How long the service's log is kept."
  type        = number
  default     = 30
  nullable    = false
}

variable "name" {
  description = "Name of the service: in the cluster, in DNS, in logs and commands."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,17}$", var.name))
    error_message = "A service's name is 2 to 18 lower-case letters, digits and dashes, such as \"victoria-metrics\"."
  }
}

variable "namespace_id" {
  description = "Private DNS namespace that the service's name is in."
  type        = string
  nullable    = false
}

variable "permissions_boundary" {
  description = "ARN of the boundary of roles; null for none."
  type        = string
  default     = null
}

variable "policies" {
  description = "Policies of the task role, as JSON by name: what the service's own code may do."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "prefix" {
  description = "Begins the name of every resource."
  type        = string
  nullable    = false
}

variable "prepare_image" {
  description = "Image with a shell, base64 and gunzip, which opens folders and unpacks configuration before the service starts."
  type        = string
  nullable    = false
}

variable "security_group_ids" {
  description = "Security groups of the tasks."
  type        = list(string)
  nullable    = false
}

variable "service" {
  description = "The service, as module service-spec returns it."
  type = object({
    architecture      = optional(string, "ARM64")
    capacity          = optional(string, "on-demand")
    command           = optional(list(string))
    configuration     = optional(object({ folder = string, path = string, values = optional(map(string), {}) }))
    cpu               = number
    entrypoint        = optional(list(string))
    environment       = optional(map(string), {})
    health            = optional(list(string))
    health_grace      = optional(number, 30)
    image             = string
    kind              = optional(string, "service")
    memory            = number
    ports             = optional(map(number), {})
    scaling           = optional(object({ concurrent_requests = optional(number), cpu = optional(number), memory = optional(number) }), {})
    secrets           = optional(map(string), {})
    stop_seconds      = optional(number, 30)
    tasks             = optional(object({ max = optional(number, 1), min = optional(number, 1) }), {})
    user              = optional(string)
    volume            = optional(object({ access_point = string, path = string }))
    writable          = optional(map(string), {})
    writes_everywhere = optional(bool, false)
  })
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.service.environment) : !can(regex("(PASSWORD|SECRET|TOKEN|_KEY|SALT)$", name))])
    error_message = "A secret goes into `secrets`, which holds references, such as secrets = { GATEWAY_MASTER_KEY = \"arn:aws:secretsmanager:…\" }."
  }

  validation {
    condition     = alltrue([for arn in values(var.service.secrets) : can(regex("^arn:aws[a-z-]*:(secretsmanager|ssm):", arn))])
    error_message = "A secret is the ARN of a Secrets Manager secret or an SSM parameter, such as \"arn:aws:secretsmanager:us-west-1:123456789012:secret:stargate-poc/gateway-Ab3dEf\"."
  }

  validation {
    condition     = var.service.volume == null || var.service.tasks.max <= 1
    error_message = "A service with a volume runs as one task, such as tasks = { min = 1, max = 1 }."
  }

  validation {
    condition     = var.service.scaling.concurrent_requests == null || var.load_balancer != null
    error_message = "Scaling by concurrent requests needs the load balancer to count them: load_balancer = { arn_suffix = …, target_group_arn_suffix = … }."
  }
}

variable "subnet_ids" {
  description = "Private subnets of the tasks."
  type        = list(string)
  nullable    = false
}

variable "target_groups" {
  description = "ARN of the target group by the port that it leads to; empty for a service that no load balancer reaches."
  type        = map(string)
  default     = {}
  nullable    = false
}
