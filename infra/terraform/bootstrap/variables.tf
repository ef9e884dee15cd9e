variable "account_id" {
  description = "The AWS account; Terraform refuses any other."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An account is twelve digits, such as \"123456789012\"."
  }
}

variable "create_oidc_provider" {
  description = "Whether to make the account's OIDC provider for GitHub; false if it has one."
  type        = bool
  default     = true
  nullable    = false
}

variable "environments" {
  description = "Environments that get roles."
  type        = set(string)
  default     = ["poc", "prod"]
  nullable    = false

  validation {
    condition     = alltrue([for one in var.environments : can(regex("^[a-z][a-z0-9]{1,7}$", one))])
    error_message = "An environment is 2 to 8 lower-case letters and digits, such as \"poc\"."
  }
}

variable "oidc_subject" {
  description = "The repository as GitHub's tokens name it, where it issues immutable subjects (owner@id/name@id); null for owner/name."
  type        = string
  default     = null
}

variable "owner" {
  description = "Team that answers for it."
  type        = string
  default     = "platform"
  nullable    = false
}

variable "project" {
  description = "Begins all names."
  type        = string
  default     = "stargate"
  nullable    = false
}

variable "region" {
  description = "Region of the state bucket."
  type        = string
  default     = "us-west-1"
  nullable    = false
}

variable "repository" {
  description = "GitHub repository whose workflows may take the roles."
  type        = string
  nullable    = false
}
