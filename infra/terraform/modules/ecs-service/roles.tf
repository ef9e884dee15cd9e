data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  _account = data.aws_caller_identity.current.account_id
  _arn     = "arn:${data.aws_partition.current.partition}"

  # A reference may name a field within a secret; permission is for the secret.
  _readable = distinct([
    for reference in values(var.service.secrets) :
    regex("^(?:[^:]+:){5}(?:parameter/[^:]+|secret:[^:]+)", reference)
  ])
  _parameters = [for arn in local._readable : arn if strcontains(arn, ":ssm:")]
  _secrets    = [for arn in local._readable : arn if strcontains(arn, ":secretsmanager:")]
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local._account]
    }
  }
}

# What ECS itself may do to start the task.
resource "aws_iam_role" "execution" {
  name                 = "${var.prefix}-${var.name}-execution"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.permissions_boundary
}

resource "aws_iam_role_policy" "execution" {
  name   = "start"
  role   = aws_iam_role.execution.id
  policy = data.aws_iam_policy_document.execution.json
}

data "aws_iam_policy_document" "execution" {
  # checkov:skip=CKV_AWS_356:Logging in to the registry has no resource to name
  statement {
    sid       = "LogInToTheRegistry"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    sid       = "PullImages"
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = ["${local._arn}:ecr:${data.aws_region.current.region}:${local._account}:repository/${var.prefix}/*"]
  }

  statement {
    sid       = "WriteLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.this.arn}:*"]
  }

  dynamic "statement" {
    for_each = slice([local._secrets], 0, min(1, length(local._secrets)))

    content {
      sid       = "ReadSecrets"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = statement.value
    }
  }

  dynamic "statement" {
    for_each = slice([local._parameters], 0, min(1, length(local._parameters)))

    content {
      sid       = "ReadParameters"
      actions   = ["ssm:GetParameters"]
      resources = statement.value
    }
  }

  dynamic "statement" {
    for_each = slice([var.key_arn], 0, min(1, length(local._readable)))

    content {
      sid       = "DecryptSecrets"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values = [
          "secretsmanager.${data.aws_region.current.region}.amazonaws.com",
          "ssm.${data.aws_region.current.region}.amazonaws.com",
        ]
      }
    }
  }
}

# What the service's own code may do.
resource "aws_iam_role" "task" {
  name                 = "${var.prefix}-${var.name}-task"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.permissions_boundary
}

resource "aws_iam_policy" "task" {
  for_each = var.policies

  name        = "${var.prefix}-${var.name}-${each.key}"
  description = "What ${var.name} may do: ${each.key}"
  policy      = each.value

  lifecycle {
    precondition {
      condition     = length(each.value) <= 6144
      error_message = "The policy ${each.key} of ${var.name} has ${length(each.value)} characters; IAM takes 6144. Split it."
    }
  }
}

resource "aws_iam_role_policy_attachment" "task" {
  for_each = var.policies

  role       = aws_iam_role.task.name
  policy_arn = aws_iam_policy.task[each.key].arn
}

resource "aws_iam_role_policy" "exec" {
  name   = "exec"
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.exec.json
}

data "aws_iam_policy_document" "exec" {
  # checkov:skip=CKV_AWS_111:The channel of a session has no resource to name; who may open one is decided by ecs:ExecuteCommand
  # checkov:skip=CKV_AWS_356:The channel of a session has no resource to name
  statement {
    sid = "Sessions"
    actions = [
      "ssmmessages:CreateControlChannel",
      "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel",
      "ssmmessages:OpenDataChannel",
    ]
    resources = ["*"]
  }

  statement {
    sid       = "RecordSessions"
    actions   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    resources = ["${var.exec_log_group_arn}:*"]
  }

  statement {
    sid       = "FindTheRecord"
    actions   = ["logs:DescribeLogGroups"]
    resources = ["${local._arn}:logs:${data.aws_region.current.region}:${local._account}:log-group:*"]
  }

  statement {
    sid       = "DecryptSessions"
    actions   = ["kms:Decrypt"]
    resources = [var.key_arn]
  }

  dynamic "statement" {
    for_each = var.service.volume[*]

    content {
      sid       = "MountTheVolume"
      actions   = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
      resources = [var.file_system.arn]

      condition {
        test     = "StringLike"
        variable = "elasticfilesystem:AccessPointArn"
        values   = ["*/${statement.value.access_point}"]
      }
    }
  }
}
