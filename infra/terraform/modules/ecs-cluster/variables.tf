variable "container_insights" {
  description = "How closely CloudWatch looks at tasks; each step costs more."
  type        = string
  default     = "enabled"
  nullable    = false

  validation {
    condition     = contains(["disabled", "enabled", "enhanced"], var.container_insights)
    error_message = "Container Insights are \"disabled\", \"enabled\" or \"enhanced\"."
  }
}

variable "exec_log_days" {
  description = "How long the record of ECS Exec sessions is kept."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = var.exec_log_days >= 365
    error_message = "The record of who did what in a container is kept for at least a year, such as 365."
  }
}

variable "key_arn" {
  description = "KMS key of the sessions and their record."
  type        = string
  nullable    = false
}

variable "prefix" {
  description = "Name of the cluster; begins the names of the other resources."
  type        = string
  nullable    = false
}

variable "vpc_id" {
  description = "VPC in which services find each other by name."
  type        = string
  nullable    = false
}
