# What the commands of ops call, and nothing else: tests/ops/test_permissions.py compares the two.
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
