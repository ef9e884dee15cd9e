variable "alarms" {
  description = "Alarms by name: a metric that is at or above its threshold (or `below` it) for so many minutes, by one value for `every` so many."
  type = map(object({
    below       = optional(bool, false)
    description = string
    dimensions  = optional(map(string), {})
    every       = optional(number, 1)
    metric      = string
    minutes     = optional(number, 5)
    missing     = optional(string, "notBreaching")
    namespace   = string
    runbook     = string
    statistic   = optional(string, "Average")
    threshold   = number
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for alarm in values(var.alarms) : length(alarm.description) >= 30])
    error_message = "An alarm's description says what it means and what to do first, such as \"The gateway answers with 5xx: look at its log with …\"."
  }

  validation {
    condition     = alltrue([for alarm in values(var.alarms) : can(regex("^[a-z-]+$", alarm.runbook))])
    error_message = "A runbook is the name of a page in docs/runbooks, such as \"gateway-down\"."
  }

  validation {
    condition     = alltrue([for alarm in values(var.alarms) : alarm.minutes % alarm.every == 0])
    error_message = "An alarm looks at whole periods, such as { every = 5, minutes = 15 }."
  }

  validation {
    condition     = alltrue([for alarm in values(var.alarms) : contains(["breaching", "ignore", "missing", "notBreaching"], alarm.missing)])
    error_message = "Missing data is \"breaching\", \"ignore\", \"missing\" or \"notBreaching\"."
  }
}

variable "emails" {
  description = "Who is told, by a name of theirs; each has to confirm AWS's mail once."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for address in values(var.emails) : can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", address))])
    error_message = "An address looks like { platform = \"platform@example.com\" }."
  }
}

variable "environment" {
  description = "Value of the tag `environment`, by which the budget finds the environment's costs; the tag has to be activated for cost allocation once in an account."
  type        = string
  nullable    = false
}

variable "key_arn" {
  description = "KMS key of the messages."
  type        = string
  nullable    = false
}

variable "monthly_budget_usd" {
  description = "Costs of the environment in a month, model calls included, from whose forecast on somebody is told; null for no budget."
  type        = number
  default     = null

  validation {
    condition     = var.monthly_budget_usd == null ? true : var.monthly_budget_usd > 0
    error_message = "A budget is an amount in USD, such as 150."
  }
}

variable "prefix" {
  description = "Begins the name of every resource."
  type        = string
  nullable    = false
}
