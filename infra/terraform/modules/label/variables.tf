variable "environment" {
  description = "Which of the platform's environments this is."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,7}$", var.environment))
    error_message = "An environment is 2 to 8 lower-case letters and digits, such as \"poc\"."
  }
}

variable "owner" {
  description = "Team that answers for the resources; becomes a tag."
  type        = string
  nullable    = false

  validation {
    condition     = length(trimspace(var.owner)) > 0
    error_message = "An owner is a team's name, such as \"platform\"."
  }
}

variable "project" {
  description = "First part of all names."
  type        = string
  default     = "stargate"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,9}$", var.project))
    error_message = "A project is 2 to 10 lower-case letters and digits, such as \"stargate\": load balancers take 32 characters in all."
  }
}

variable "repository" {
  description = "GitHub repository that the resources are described in; becomes a tag."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", var.repository))
    error_message = "A repository is owner/name, such as \"example/stargate-llm-gateway\"."
  }
}

variable "root" {
  description = "Root module within the repository; becomes a tag, so that a resource leads back to its description."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9/-]+$", var.root))
    error_message = "A root is a folder, such as \"environments/poc\"."
  }
}
