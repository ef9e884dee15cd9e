variable "create_provider" {
  description = "Whether to make the account's OIDC provider for GitHub; false if it has one."
  type        = bool
  default     = true
  nullable    = false
}

variable "project" {
  description = "Begins the names of the roles."
  type        = string
  nullable    = false
}

variable "repository" {
  description = "Repository whose workflows may take the roles, as GitHub's subject names it: owner/name, or owner@id/name@id where GitHub issues immutable subjects."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_.@-]+/[A-Za-z0-9_.@-]+$", var.repository))
    error_message = "A repository is owner/name without wildcards, such as \"example/stargate-llm-gateway\"."
  }
}

variable "roles" {
  description = "Roles by name: which subjects of the repository may take them, and what they may do."
  type = map(object({
    boundary         = optional(string)
    description      = string
    managed_policies = optional(set(string), [])
    policy           = string
    subjects         = list(string)
  }))
  nullable = false

  validation {
    condition     = alltrue([for role in values(var.roles) : length(role.subjects) > 0 && alltrue([for one in role.subjects : can(regex("^(pull_request|environment:[A-Za-z0-9_-]+|ref:refs/heads/[A-Za-z0-9_./-]+)$", one))])])
    error_message = "A subject is \"pull_request\", \"environment:poc\" or \"ref:refs/heads/main\"; wildcards let strangers in."
  }
}
