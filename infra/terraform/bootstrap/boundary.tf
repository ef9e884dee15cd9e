# The most that any role of an environment can ever do, whatever policy is attached to it.
resource "aws_iam_policy" "boundary" {
  name        = "${var.project}-boundary"
  description = "The most that roles of the platform can do"
  policy      = data.aws_iam_policy_document.boundary.minified_json
}

data "aws_iam_policy_document" "boundary" {
  # checkov:skip=CKV_AWS_107:A boundary grants nothing; which secret a role reads its own policy says
  # checkov:skip=CKV_AWS_108:A boundary grants nothing; what a role reads its own policy says
  # checkov:skip=CKV_AWS_109:A boundary grants nothing; what a role manages its own policy says
  # checkov:skip=CKV_AWS_111:A boundary grants nothing; what a role writes its own policy says
  # checkov:skip=CKV_AWS_356:A boundary grants nothing; on what a role acts its own policy says
  statement {
    sid = "WhatServicesNeed"
    actions = [
      "bedrock:ApplyGuardrail",
      "bedrock:CountTokens",
      "bedrock:InvokeModel",
      "bedrock:InvokeModelWithResponseStream",
      "cloudwatch:DescribeAlarms",
      "cloudwatch:GetMetricData",
      "cloudwatch:GetMetricStatistics",
      "cloudwatch:ListMetrics",
      "cloudwatch:PutMetricData",
      "ec2messages:*",
      "ecr:BatchCheckLayerAvailability",
      "ecr:BatchGetImage",
      "ecr:GetAuthorizationToken",
      "ecr:GetDownloadUrlForLayer",
      "elasticfilesystem:ClientMount",
      "elasticfilesystem:ClientWrite",
      "kms:Decrypt",
      "kms:GenerateDataKey",
      "logs:CreateLogGroup",
      "logs:CreateLogStream",
      "logs:DescribeLogGroups",
      "logs:DescribeLogStreams",
      "logs:GetLogEvents",
      "logs:PutLogEvents",
      "logs:PutRetentionPolicy",
      "s3:DeleteObject",
      "s3:GetObject",
      "s3:ListBucket",
      "s3:PutObject",
      "sns:Publish",
      "ssm:*",
      "ssmmessages:*",
      "tag:GetResources",
    ]
    resources = ["*"]
  }

  statement {
    sid       = "SecretsOfTheProject"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = ["${local._arn}:secretsmanager:*:${local._account}:secret:${var.project}-*", "${local._arn}:secretsmanager:*:${local._account}:secret:rds!db-*"]
  }

  statement {
    sid       = "NeverTheState"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = ["${local._arn}:s3:::${local._bucket}", "${local._arn}:s3:::${local._bucket}/*"]
  }
}
