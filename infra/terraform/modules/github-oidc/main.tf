data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  _host = "token.actions.githubusercontent.com"

  provider_arn = var.create_provider ? aws_iam_openid_connect_provider.this[0].arn : (
    "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:oidc-provider/${local._host}"
  )

  _managed_policies = merge([
    for name, role in var.roles : { for arn in role.managed_policies : "${name}:${reverse(split("/", arn))[0]}" => { arn = arn, role = name } }
  ]...)
}

# An account has one; other platforms in it share it.
resource "aws_iam_openid_connect_provider" "this" {
  count = var.create_provider ? 1 : 0

  url            = "https://${local._host}"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "this" {
  for_each = var.roles

  name                 = "${var.project}-${each.key}"
  description          = each.value.description
  assume_role_policy   = data.aws_iam_policy_document.trust[each.key].json
  max_session_duration = 3600
  permissions_boundary = each.value.boundary
}

data "aws_iam_policy_document" "trust" {
  for_each = var.roles

  statement {
    sid     = "WorkflowsOfThisRepository"
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [local.provider_arn]
    }

    condition {
      test     = "StringEquals"
      variable = "${local._host}:aud"
      values   = ["sts.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "${local._host}:sub"
      values   = [for subject in each.value.subjects : "repo:${var.repository}:${subject}"]
    }
  }
}

resource "aws_iam_role_policy" "this" {
  for_each = var.roles

  name   = "permissions"
  role   = aws_iam_role.this[each.key].id
  policy = each.value.policy
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each = local._managed_policies

  policy_arn = each.value.arn
  role       = aws_iam_role.this[each.value.role].name
}
