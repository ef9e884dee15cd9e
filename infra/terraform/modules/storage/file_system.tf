resource "aws_efs_file_system" "this" {
  count = var.file_system == null ? 0 : 1

  encrypted       = true
  kms_key_id      = var.key_arn
  throughput_mode = "elastic"

  lifecycle_policy {
    transition_to_ia = "AFTER_30_DAYS"
  }

  lifecycle_policy {
    transition_to_primary_storage_class = "AFTER_1_ACCESS"
  }

  tags = { Name = var.prefix }
}

resource "aws_efs_backup_policy" "this" {
  count = var.file_system == null ? 0 : 1

  file_system_id = aws_efs_file_system.this[0].id

  backup_policy {
    status = var.file_system.backup ? "ENABLED" : "DISABLED"
  }
}

resource "aws_efs_mount_target" "this" {
  for_each = var.file_system == null ? {} : var.file_system.subnets

  file_system_id  = aws_efs_file_system.this[0].id
  subnet_id       = each.value
  security_groups = [aws_security_group.file_system[0].id]
}

resource "aws_efs_access_point" "this" {
  for_each = var.file_system == null ? {} : var.file_system.access_points

  file_system_id = aws_efs_file_system.this[0].id

  posix_user {
    gid = each.value.gid
    uid = each.value.uid
  }

  root_directory {
    path = "/${each.key}"

    creation_info {
      owner_gid   = each.value.gid
      owner_uid   = each.value.uid
      permissions = "0750"
    }
  }

  tags = { Name = "${var.prefix}-${each.key}" }
}

resource "aws_efs_file_system_policy" "this" {
  count = var.file_system == null ? 0 : 1

  file_system_id = aws_efs_file_system.this[0].id
  policy         = data.aws_iam_policy_document.file_system[0].json
}

# Mounting takes a task's role and TLS; being in the network is not enough.
data "aws_iam_policy_document" "file_system" {
  count = var.file_system == null ? 0 : 1

  statement {
    sid       = "EncryptedConnectionsOnly"
    effect    = "Deny"
    actions   = ["*"]
    resources = [aws_efs_file_system.this[0].arn]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  statement {
    sid       = "AccessPointsOnly"
    effect    = "Deny"
    actions   = ["elasticfilesystem:ClientMount"]
    resources = [aws_efs_file_system.this[0].arn]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "Null"
      variable = "elasticfilesystem:AccessPointArn"
      values   = ["true"]
    }
  }
}

resource "aws_security_group" "file_system" {
  count = var.file_system == null ? 0 : 1

  name        = "${var.prefix}-file-system"
  description = "NFS from the services that have a volume"
  vpc_id      = var.file_system.vpc_id

  tags = { Name = "${var.prefix}-file-system" }
}

resource "aws_vpc_security_group_ingress_rule" "file_system" {
  for_each = var.file_system == null ? {} : var.file_system.clients

  security_group_id            = aws_security_group.file_system[0].id
  description                  = "NFS from ${each.key}"
  from_port                    = 2049
  ip_protocol                  = "tcp"
  referenced_security_group_id = each.value
  to_port                      = 2049
}

resource "aws_vpc_security_group_egress_rule" "file_system" {
  for_each = var.file_system == null ? {} : var.file_system.clients

  security_group_id            = each.value
  description                  = "NFS to the file system"
  from_port                    = 2049
  ip_protocol                  = "tcp"
  referenced_security_group_id = aws_security_group.file_system[0].id
  to_port                      = 2049
}
