variable "buckets" {
  description = "S3 buckets by the middle of their name; `log_writers` are AWS services that may put logs there."
  type = map(object({
    encryption  = optional(string, "kms")
    expire_days = optional(number)
    log_writers = optional(set(string), [])
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for bucket in values(var.buckets) : contains(["kms", "s3"], bucket.encryption)])
    error_message = "An encryption is \"kms\", the environment's key, or \"s3\", S3's own, which load balancers' logs need."
  }
}

variable "disposable" {
  description = "Whether buckets may be destroyed with what is in them."
  type        = bool
  default     = false
  nullable    = false
}

variable "file_system" {
  description = "An EFS file system: access points by name with the user they act as, subnets by zone, and security groups of the clients by name; null for none."
  type = object({
    access_points = map(object({ gid = number, uid = number }))
    backup        = optional(bool, false)
    clients       = map(string)
    subnets       = map(string)
    vpc_id        = string
  })
  default = null

  validation {
    condition     = var.file_system == null ? true : alltrue([for point in values(var.file_system.access_points) : point.uid > 0 && point.gid > 0])
    error_message = "An access point acts as an unprivileged user, such as { uid = 65534, gid = 65534 }."
  }
}

variable "key_arn" {
  description = "KMS key that encrypts all of it."
  type        = string
  nullable    = false
}

variable "prefix" {
  description = "Begins the name of every resource."
  type        = string
  nullable    = false
}
