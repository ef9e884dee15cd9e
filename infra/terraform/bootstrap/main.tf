# Applied once by hand, with an administrator's credentials: what everything else stands on.
data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  _account = data.aws_caller_identity.current.account_id
  _arn     = "arn:${data.aws_partition.current.partition}"
  _bucket  = "${var.project}-terraform-${local._account}"
}

module "label" {
  source = "../modules/label"

  environment = "shared"
  owner       = var.owner
  project     = var.project
  repository  = var.repository
  root        = "bootstrap"
}

module "github_oidc" {
  source = "../modules/github-oidc"

  create_provider = var.create_oidc_provider
  project         = var.project
  repository      = coalesce(var.oidc_subject, var.repository)
  roles           = local.roles
}
