locals {
  prefix = "${var.project}-${var.environment}"
}
