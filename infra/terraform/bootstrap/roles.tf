# One role for each kind of workflow and environment. What a pull request can take only reads.
locals {
  roles = merge(
    {
      for environment in var.environments : "plan-${environment}" => {
        description      = "Plans ${environment} from pull requests: reads, and changes nothing"
        managed_policies = ["${local._arn}:iam::aws:policy/ReadOnlyAccess"]
        policy           = data.aws_iam_policy_document.plan[environment].minified_json
        subjects         = ["pull_request", "ref:refs/heads/main"]
      }
    },
    {
      for environment in var.environments : "apply-${environment}" => {
        description      = "Applies reviewed plans to ${environment}, after the approval that its GitHub environment asks for"
        managed_policies = ["${local._arn}:iam::aws:policy/PowerUserAccess"]
        policy           = data.aws_iam_policy_document.apply[environment].minified_json
        subjects         = ["environment:${environment}"]
      }
    },
    {
      for environment in var.environments : "ops-${environment}" => {
        description = "Runs the commands of ops on ${environment}"
        policy      = data.aws_iam_policy_document.ops[environment].minified_json
        subjects    = ["environment:${environment}-ops"]
      }
    },
    {
      image = {
        description = "Pushes images that were built from the main branch"
        policy      = data.aws_iam_policy_document.image.minified_json
        subjects    = ["ref:refs/heads/main"]
      }
    },
  )
}

data "aws_iam_policy_document" "plan" {
  # checkov:skip=CKV_AWS_356:What is denied is denied everywhere
  for_each = var.environments

  statement {
    sid       = "ReadTheState"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.state.arn}/environments/${each.key}/*"]
  }

  statement {
    sid       = "DecryptTheState"
    actions   = ["kms:Decrypt"]
    resources = [aws_kms_key.state.arn]
  }

  # Read-only access reads configuration; contents are none of a pull request's business.
  statement {
    sid           = "NoContents"
    effect        = "Deny"
    actions       = ["s3:GetObject*"]
    not_resources = ["${aws_s3_bucket.state.arn}/environments/${each.key}/*"]
  }

  statement {
    sid    = "NoSecretsAndNoLogs"
    effect = "Deny"
    actions = [
      "logs:FilterLogEvents",
      "logs:GetLogEvents",
      "logs:GetLogRecord",
      "logs:GetQueryResults",
      "logs:StartLiveTail",
      "logs:StartQuery",
      "secretsmanager:BatchGetSecretValue",
      "secretsmanager:GetSecretValue",
    ]
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "apply" {
  # checkov:skip=CKV_AWS_356:The first denial holds everywhere
  for_each = var.environments

  statement {
    sid       = "LockAndWriteTheState"
    actions   = ["s3:DeleteObject"]
    resources = ["${aws_s3_bucket.state.arn}/environments/${each.key}/*.tflock"]
  }

  # Roles it makes are named after the environment and stay within the boundary.
  statement {
    sid       = "MakeRolesWithinTheBoundary"
    actions   = ["iam:AttachRolePolicy", "iam:CreateRole", "iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"]
    resources = ["${local._arn}:iam::${local._account}:role/${var.project}-${each.key}-*"]

    condition {
      test     = "StringEquals"
      variable = "iam:PermissionsBoundary"
      values   = [aws_iam_policy.boundary.arn]
    }
  }

  statement {
    sid = "KeepItsRolesAndPolicies"
    actions = [
      "iam:AddRoleToInstanceProfile",
      "iam:CreateInstanceProfile",
      "iam:CreatePolicy",
      "iam:CreatePolicyVersion",
      "iam:DeleteInstanceProfile",
      "iam:DeletePolicy",
      "iam:DeletePolicyVersion",
      "iam:DeleteRole",
      "iam:DeleteRolePolicy",
      "iam:Get*",
      "iam:List*",
      "iam:RemoveRoleFromInstanceProfile",
      "iam:TagInstanceProfile",
      "iam:TagPolicy",
      "iam:TagRole",
      "iam:UntagInstanceProfile",
      "iam:UntagPolicy",
      "iam:UntagRole",
      "iam:UpdateAssumeRolePolicy",
      "iam:UpdateRole",
    ]
    resources = [
      "${local._arn}:iam::${local._account}:instance-profile/${var.project}-${each.key}-*",
      "${local._arn}:iam::${local._account}:policy/${var.project}-${each.key}-*",
      "${local._arn}:iam::${local._account}:role/${var.project}-${each.key}-*",
    ]
  }

  statement {
    sid       = "HandRolesToServices"
    actions   = ["iam:PassRole"]
    resources = ["${local._arn}:iam::${local._account}:role/${var.project}-${each.key}-*"]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ec2.amazonaws.com", "ecs-tasks.amazonaws.com", "monitoring.rds.amazonaws.com", "vpc-flow-logs.amazonaws.com"]
    }
  }

  statement {
    sid       = "NoWayOutOfTheBoundary"
    effect    = "Deny"
    actions   = ["iam:DeleteRolePermissionsBoundary"]
    resources = ["*"]
  }

  statement {
    sid       = "ReadNoSecret"
    effect    = "Deny"
    actions   = ["secretsmanager:BatchGetSecretValue", "secretsmanager:GetSecretValue"]
    resources = ["*"]
  }

  statement {
    sid           = "OnlyItsOwnState"
    effect        = "Deny"
    actions       = ["s3:DeleteObject*", "s3:GetObject*", "s3:PutObject*"]
    not_resources = ["${aws_s3_bucket.state.arn}/environments/${each.key}/*", "${local._arn}:s3:::${var.project}-${each.key}-*"]
  }

  statement {
    sid       = "LeaveWhatItStandsOn"
    effect    = "Deny"
    actions   = ["s3:Delete*Bucket*", "s3:DeleteObjectVersion", "s3:PutBucket*", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration"]
    resources = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]
  }
}

data "aws_iam_policy_document" "image" {
  # checkov:skip=CKV_AWS_356:Logging in to the registry has no resource to name
  statement {
    sid       = "LogInToTheRegistry"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    sid = "PushImages"
    actions = [
      "ecr:BatchCheckLayerAvailability",
      "ecr:BatchGetImage",
      "ecr:CompleteLayerUpload",
      "ecr:DescribeImages",
      "ecr:GetDownloadUrlForLayer",
      "ecr:InitiateLayerUpload",
      "ecr:PutImage",
      "ecr:UploadLayerPart",
    ]
    resources = [for environment in var.environments : "${local._arn}:ecr:*:${local._account}:repository/${var.project}-${environment}/*"]
  }
}
