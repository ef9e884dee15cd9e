variable "disposable" {
  description = "Whether repositories may be destroyed with their images."
  type        = bool
  default     = false
  nullable    = false
}

variable "key_arn" {
  description = "KMS key that encrypts the images."
  type        = string
  nullable    = false
}

variable "prefix" {
  description = "Begins the name of every resource."
  type        = string
  nullable    = false
}

variable "repositories" {
  description = "Image repositories by name, and how many images each keeps."
  type        = map(object({ keep_images = optional(number, 30) }))
  nullable    = false

  validation {
    condition     = alltrue([for one in values(var.repositories) : one.keep_images >= 5])
    error_message = "Keep at least 5 images, such as keep_images = 30: a rollback needs the ones before."
  }
}
