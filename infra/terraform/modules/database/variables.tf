variable "allow_major_version_upgrade" {
  description = "Set for the one apply that changes the major version."
  type        = bool
  default     = false
  nullable    = false
}

variable "backup_days" {
  description = "How far back the database can be restored to any second."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = var.backup_days >= 1 && var.backup_days <= 35
    error_message = "RDS keeps backups for 1 to 35 days, such as backup_days = 14."
  }
}

variable "clients" {
  description = "Security groups of those who may connect, by their name."
  type        = map(string)
  nullable    = false
}

variable "database_name" {
  description = "Database that is made with the instance."
  type        = string
  default     = "gateway"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.database_name))
    error_message = "A database's name is lower-case letters, digits and underscores, such as \"gateway\"."
  }
}

variable "deletion_protection" {
  description = "Whether AWS refuses to delete the instance."
  type        = bool
  default     = true
  nullable    = false
}

variable "engine_version" {
  description = "Version of PostgreSQL; without a minor version, RDS takes its newest."
  type        = string
  default     = "17"
  nullable    = false

  validation {
    condition     = can(regex("^(1[6-9]|2[0-9])(\\.[0-9]+)?$", var.engine_version))
    error_message = "The platform runs on PostgreSQL 16 or newer, such as \"17\"."
  }
}

variable "enhanced_monitoring" {
  description = "Whether the operating system's figures are recorded each minute."
  type        = bool
  default     = true
  nullable    = false
}

variable "instance_class" {
  description = "Size of the instance."
  type        = string
  default     = "db.t4g.micro"
  nullable    = false

  validation {
    condition     = can(regex("^db\\.[a-z0-9]+\\.[a-z0-9]+$", var.instance_class))
    error_message = "An instance class looks like \"db.t4g.micro\"."
  }
}

variable "key_arn" {
  description = "KMS key of storage, backups, insights, logs and the administrator's password."
  type        = string
  nullable    = false
}

variable "log_days" {
  description = "How long the database's logs are kept."
  type        = number
  default     = 30
  nullable    = false
}

variable "max_connections" {
  description = "Connections that the database takes; each costs it some MB of memory. Those of all services together must fit."
  type        = number
  default     = 100
  nullable    = false

  validation {
    condition     = var.max_connections >= 20 && var.max_connections <= 5000
    error_message = "PostgreSQL here takes between 20 and 5000 connections, such as max_connections = 100."
  }
}

variable "multi_az" {
  description = "Whether a second instance in another zone stands by."
  type        = bool
  default     = false
  nullable    = false
}

variable "permissions_boundary" {
  description = "ARN of the boundary of roles; null for none."
  type        = string
  default     = null
}

variable "prefix" {
  description = "Name of the instance; begins the names of the other resources."
  type        = string
  nullable    = false
}

variable "restore_from_snapshot" {
  description = "Snapshot that the instance is made from; null for an empty one. Changing it later changes nothing."
  type        = string
  default     = null
}

variable "storage_gb" {
  description = "Storage to begin with, and how far it may grow by itself."
  type        = object({ initial = optional(number, 20), maximum = optional(number, 100) })
  default     = {}
  nullable    = false

  validation {
    condition     = var.storage_gb.initial >= 20 && var.storage_gb.maximum > var.storage_gb.initial
    error_message = "Storage begins at 20 GB or more and has room to grow, such as { initial = 20, maximum = 100 }."
  }
}

variable "subnet_ids" {
  description = "Private subnets in at least two zones."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "RDS wants subnets in two zones, such as [\"subnet-0a\", \"subnet-0b\"]."
  }
}

variable "vpc_id" {
  description = "VPC of the subnets."
  type        = string
  nullable    = false
}
