# What the code of each service may do in AWS; a service that is not named here may do nothing.
locals {
  _policies = merge(
    {
      alertmanager = { publish = data.aws_iam_policy_document.publish.minified_json }
      gateway      = local.gateway_policies
      grafana      = { read-metrics = data.aws_iam_policy_document.read_metrics.minified_json }
    },
    local._self_hosted ? {
      for name in ["langfuse-web", "langfuse-worker"] : name => { events = data.aws_iam_policy_document.langfuse[0].minified_json }
    } : {},
  )
}

data "aws_iam_policy_document" "publish" {
  statement {
    sid       = "TellThePeople"
    actions   = ["sns:Publish"]
    resources = [module.alarms.topic_arn]
  }

  statement {
    sid       = "EncryptMessages"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [module.secrets.key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["sns.${local._region}.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "read_metrics" {
  # checkov:skip=CKV_AWS_356:CloudWatch's metrics have no resources to name; these actions read figures and nothing else
  statement {
    sid = "ReadMetrics"
    actions = [
      "cloudwatch:DescribeAlarms",
      "cloudwatch:GetMetricData",
      "cloudwatch:GetMetricStatistics",
      "cloudwatch:ListMetrics",
      "tag:GetResources",
    ]
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "langfuse" {
  count = local._self_hosted ? 1 : 0

  statement {
    sid       = "KeepEvents"
    actions   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    resources = ["${module.storage.bucket_arns["langfuse"]}/*"]
  }

  statement {
    sid       = "ListEvents"
    actions   = ["s3:ListBucket"]
    resources = [module.storage.bucket_arns["langfuse"]]
  }

  statement {
    sid       = "EncryptEvents"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [module.secrets.key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${local._region}.amazonaws.com"]
    }
  }
}
