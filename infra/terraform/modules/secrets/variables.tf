variable "prefix" {
  description = "Begins the name of every resource."
  type        = string
  nullable    = false
}

variable "recovery_window_days" {
  description = "How long a deleted secret can be brought back; 0 deletes at once."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.recovery_window_days == 0 || (var.recovery_window_days >= 7 && var.recovery_window_days <= 30)
    error_message = "Secrets Manager keeps a deleted secret for 7 to 30 days, or not at all: such as 30."
  }
}

variable "secrets" {
  description = "Secret containers by name, with what belongs into them; `rotation` attaches a function that changes the value."
  type = map(object({
    description = string
    rotation = optional(object({
      days         = optional(number, 30)
      function_arn = string
    }))
  }))
  nullable = false

  validation {
    condition     = alltrue([for secret in values(var.secrets) : length(secret.description) >= 20])
    error_message = "A secret's description says what to put in, such as \"JSON with username and password of the gateway's database role\"."
  }

  validation {
    condition     = alltrue([for secret in values(var.secrets) : try(secret.rotation.days <= 90, true)])
    error_message = "A secret is rotated within 90 days, such as rotation = { days = 30, function_arn = … }."
  }
}
