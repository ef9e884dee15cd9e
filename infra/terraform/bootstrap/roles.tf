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
        description = "Runs the verbs of ops on ${environment}"
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

# What the verbs of ops call, and nothing else: tests/ops/test_permissions.py compares the two.
data "aws_iam_policy_document" "ops" {
  # checkov:skip=CKV_AWS_111:Of the actions without a resource to name, one writes: a revision, which runs only by the actions below
  # checkov:skip=CKV_AWS_356:Listing, describing and registering a revision have no resource to name
  for_each = var.environments

  statement {
    sid = "See"
    actions = [
      "application-autoscaling:DescribeScalableTargets",
      "autoscaling:DescribeAutoScalingGroups",
      "autoscaling:DescribeScalingActivities",
      "ce:GetCostAndUsage",
      "cloudwatch:GetMetricData",
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeRouteTables",
      "ecs:DescribeClusters",
      "ecs:DescribeServices",
      "ecs:DescribeTaskDefinition",
      "ecs:DescribeTasks",
      "ecs:ListServices",
      "ecs:ListTaskDefinitions",
      "ecs:ListTasks",
      "elasticloadbalancing:DescribeTargetHealth",
      "rds:DescribeDBInstances",
      "rds:DescribeEvents",
      "rds:DescribePendingMaintenanceActions",
    ]
    resources = ["*"]
  }

  statement {
    sid       = "ReadLogs"
    actions   = ["logs:FilterLogEvents"]
    resources = ["${local._arn}:logs:*:${local._account}:log-group:/${var.project}-${each.key}/*", "${local._arn}:logs:*:${local._account}:log-group:/aws/rds/instance/${var.project}-${each.key}/*"]
  }

  # What people saw in a container is not for a workflow's log.
  statement {
    sid       = "NoRecordsOfSessions"
    effect    = "Deny"
    actions   = ["logs:FilterLogEvents"]
    resources = ["${local._arn}:logs:*:${local._account}:log-group:/${var.project}-${each.key}/exec*"]
  }

  statement {
    sid     = "DeployRestartScaleExec"
    actions = ["ecs:ExecuteCommand", "ecs:RunTask", "ecs:UpdateService"]
    resources = [
      "${local._arn}:ecs:*:${local._account}:cluster/${var.project}-${each.key}",
      "${local._arn}:ecs:*:${local._account}:service/${var.project}-${each.key}/*",
      "${local._arn}:ecs:*:${local._account}:task/${var.project}-${each.key}/*",
      "${local._arn}:ecs:*:${local._account}:task-definition/${var.project}-${each.key}-*:*",
    ]
  }

  statement {
    sid       = "RegisterRevisions"
    actions   = ["ecs:RegisterTaskDefinition"]
    resources = ["*"]
  }

  # A new revision carries the tags of the one before.
  statement {
    sid       = "TagRevisions"
    actions   = ["ecs:TagResource"]
    resources = ["${local._arn}:ecs:*:${local._account}:task-definition/${var.project}-${each.key}-*:*"]

    condition {
      test     = "StringEquals"
      variable = "ecs:CreateAction"
      values   = ["RegisterTaskDefinition"]
    }
  }

  # Of all secrets the two that ops rotates.
  statement {
    sid     = "RotateSecrets"
    actions = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"]
    resources = [
      "${local._arn}:secretsmanager:*:${local._account}:secret:${var.project}-${each.key}/gateway/database-*",
      "${local._arn}:secretsmanager:*:${local._account}:secret:${var.project}-${each.key}/gateway/master-key-*",
    ]
  }

  statement {
    sid       = "DecryptSecrets"
    actions   = ["kms:Decrypt"]
    resources = ["${local._arn}:kms:*:${local._account}:key/*"]

    condition {
      test     = "ForAnyValue:StringEquals"
      variable = "kms:ResourceAliases"
      values   = ["alias/${var.project}-${each.key}"]
    }

    condition {
      test     = "StringLike"
      variable = "kms:ViaService"
      values   = ["secretsmanager.*.amazonaws.com"]
    }
  }

  # The channel of a session, and new values of secrets, are encrypted with the environment's key.
  statement {
    sid       = "OpenSessionsAndEncrypt"
    actions   = ["kms:GenerateDataKey"]
    resources = ["${local._arn}:kms:*:${local._account}:key/*"]

    condition {
      test     = "ForAnyValue:StringEquals"
      variable = "kms:ResourceAliases"
      values   = ["alias/${var.project}-${each.key}"]
    }
  }

  statement {
    sid       = "ScaleWithinBounds"
    actions   = ["application-autoscaling:RegisterScalableTarget"]
    resources = ["${local._arn}:application-autoscaling:*:${local._account}:scalable-target/*"]

    condition {
      test     = "StringEquals"
      variable = "application-autoscaling:service-namespace"
      values   = ["ecs"]
    }
  }

  statement {
    sid       = "ReplaceTheNatInstance"
    actions   = ["autoscaling:TerminateInstanceInAutoScalingGroup"]
    resources = ["${local._arn}:autoscaling:*:${local._account}:autoScalingGroup:*:autoScalingGroupName/${var.project}-${each.key}-nat"]
  }

  # A drill makes an instance of its own name from the backups; only that one can be deleted.
  statement {
    sid     = "RestoreForDrills"
    actions = ["rds:RestoreDBInstanceToPointInTime"]
    resources = [
      "${local._arn}:rds:*:${local._account}:db:${var.project}-${each.key}",
      "${local._arn}:rds:*:${local._account}:db:${var.project}-${each.key}-drill",
      "${local._arn}:rds:*:${local._account}:og:default:*",
      "${local._arn}:rds:*:${local._account}:pg:default.*",
      "${local._arn}:rds:*:${local._account}:subgrp:${var.project}-${each.key}",
    ]
  }

  statement {
    sid       = "EndDrills"
    actions   = ["rds:DeleteDBInstance"]
    resources = ["${local._arn}:rds:*:${local._account}:db:${var.project}-${each.key}-drill"]
  }

  # RDS reads and writes what is encrypted with the environment's key, in the caller's name.
  statement {
    sid       = "LetDrillsReadBackups"
    actions   = ["kms:CreateGrant", "kms:DescribeKey"]
    resources = ["${local._arn}:kms:*:${local._account}:key/*"]

    condition {
      test     = "ForAnyValue:StringEquals"
      variable = "kms:ResourceAliases"
      values   = ["alias/${var.project}-${each.key}"]
    }

    condition {
      test     = "StringLike"
      variable = "kms:ViaService"
      values   = ["rds.*.amazonaws.com"]
    }
  }

  statement {
    sid       = "HandRolesToTasks"
    actions   = ["iam:PassRole"]
    resources = ["${local._arn}:iam::${local._account}:role/${var.project}-${each.key}-*-execution", "${local._arn}:iam::${local._account}:role/${var.project}-${each.key}-*-task"]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
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
