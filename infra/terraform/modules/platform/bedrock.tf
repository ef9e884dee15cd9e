# Which models the gateway may call: those of its catalogue, by the profiles that its region reaches.
locals {
  _catalogue = jsondecode(file("${path.module}/../../../../app/catalog/models.json")).models
  _regions   = jsondecode(file("${path.module}/profile-regions.json"))

  # The rule of app/catalog/catalog.py: the geography of the region, then the global profile.
  _geography = (
    startswith(local._region, "us-gov-") ? "us-gov" :
    contains(["ap-northeast-1", "ap-northeast-3"], local._region) ? "jp" :
    contains(["ap-southeast-2", "ap-southeast-4"], local._region) ? "au" :
    lookup({ us = "us", eu = "eu", ap = "apac" }, split("-", local._region)[0], "global")
  )
  _profiles = setunion(
    [local._geography, "bare"],
    local._geography == "us-gov" ? [] : ["global"],
    var.bedrock.profile[*],
    var.bedrock.failover,
  )

  _invoke  = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
  _bedrock = "arn:${data.aws_partition.current.partition}:bedrock"

  # One model's permissions. A profile may be called as such, and its models through it only.
  _grants = [
    for model in local._catalogue : {
      id    = model.bedrock_id
      bare  = contains(keys(model.profiles), "bare")
      count = model.capabilities.count_tokens
      profiles = [
        for profile in setintersection(local._profiles, keys(model.profiles)) :
        "${local._bedrock}:${local._region}:${local._account}:inference-profile/${profile}.${model.bedrock_id}" if profile != "bare"
      ]
      models = distinct(flatten([
        for profile in setintersection(local._profiles, keys(model.profiles)) : [
          for region in profile == "global" ? ["", local._region] : lookup(local._regions, profile, []) :
          "${local._bedrock}:${region}::foundation-model/${model.bedrock_id}"
        ] if profile != "bare"
      ]))
    } if length(setintersection(local._profiles, keys(model.profiles))) > 0
  ]

  # A policy holds 6,144 characters; so many models fit into one in every geography.
  _grants_by_policy = { for number, grants in chunklist(local._grants, 5) : "models-${number + 1}" => grants }

  gateway_policies = merge(
    { for name, document in data.aws_iam_policy_document.models : name => document.minified_json },
    { for document in data.aws_iam_policy_document.guardrails[*] : "guardrails" => document.minified_json },
  )
}

data "aws_iam_policy_document" "models" {
  for_each = local._grants_by_policy

  dynamic "statement" {
    for_each = [for arns in [flatten(each.value[*].profiles)] : arns if length(arns) > 0]

    content {
      sid       = "CallProfiles"
      actions   = local._invoke
      resources = statement.value
    }
  }

  dynamic "statement" {
    for_each = [for arns in [flatten(each.value[*].models)] : arns if length(arns) > 0]

    content {
      sid       = "CallModelsThroughProfiles"
      actions   = local._invoke
      resources = statement.value

      condition {
        test     = "StringLike"
        variable = "bedrock:InferenceProfileArn"
        values   = ["${local._bedrock}:${local._region}:${local._account}:inference-profile/*"]
      }
    }
  }

  dynamic "statement" {
    for_each = [for ids in [[for one in each.value : one.id if one.bare]] : ids if length(ids) > 0]

    content {
      sid       = "CallModelsThemselves"
      actions   = local._invoke
      resources = [for id in statement.value : "${local._bedrock}:${local._region}::foundation-model/${id}"]
    }
  }

  dynamic "statement" {
    for_each = [for ids in [[for one in each.value : one.id if one.count]] : ids if length(ids) > 0]

    content {
      sid       = "CountTokens"
      actions   = ["bedrock:CountTokens"]
      resources = [for id in statement.value : "${local._bedrock}:${local._region}::foundation-model/${id}"]
    }
  }
}

data "aws_iam_policy_document" "guardrails" {
  count = length(var.bedrock.guardrails) > 0 ? 1 : 0

  statement {
    sid       = "ApplyGuardrails"
    actions   = ["bedrock:ApplyGuardrail"]
    resources = [for id in var.bedrock.guardrails : "${local._bedrock}:${local._region}:${local._account}:guardrail/${id}"]
  }
}
