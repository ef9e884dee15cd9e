locals {
  major = split(".", var.engine_version)[0]
}

# trivy:ignore:AWS-0176 The same reason as for checkov below
# trivy:ignore:AWS-0177 A disposable environment can be deleted; a test says that prod is none
resource "aws_db_instance" "this" {
  # checkov:skip=CKV_AWS_161:Services log in by roles of their own with rotated passwords; tokens of IAM last 15 minutes and the pools would have to renew them
  # checkov:skip=CKV_AWS_157:A standby is the environment's choice; prod has one, and a test says so
  identifier = var.prefix

  engine                = "postgres"
  engine_version        = var.engine_version
  instance_class        = var.instance_class
  allocated_storage     = var.storage_gb.initial
  max_allocated_storage = var.storage_gb.maximum
  storage_type          = "gp3"
  storage_encrypted     = true
  kms_key_id            = var.key_arn
  snapshot_identifier   = var.restore_from_snapshot

  db_name                       = var.database_name
  username                      = "administrator"
  manage_master_user_password   = true
  master_user_secret_kms_key_id = var.key_arn

  db_subnet_group_name   = aws_db_subnet_group.this.name
  multi_az               = var.multi_az
  port                   = 5432
  parameter_group_name   = aws_db_parameter_group.this.name
  publicly_accessible    = false
  vpc_security_group_ids = [aws_security_group.this.id]

  allow_major_version_upgrade = var.allow_major_version_upgrade
  apply_immediately           = false
  auto_minor_version_upgrade  = true
  ca_cert_identifier          = "rds-ca-rsa2048-g1"
  maintenance_window          = "sun:09:00-sun:10:00"

  backup_retention_period   = var.backup_days
  backup_window             = "07:30-08:30"
  copy_tags_to_snapshot     = true
  delete_automated_backups  = false
  deletion_protection       = var.deletion_protection
  final_snapshot_identifier = "${var.prefix}-final"
  skip_final_snapshot       = false

  database_insights_mode                = "standard"
  enabled_cloudwatch_logs_exports       = ["postgresql", "upgrade"]
  monitoring_interval                   = var.enhanced_monitoring ? 60 : 0
  monitoring_role_arn                   = one(aws_iam_role.monitoring[*].arn)
  performance_insights_enabled          = true
  performance_insights_kms_key_id       = var.key_arn
  performance_insights_retention_period = 7

  lifecycle {
    # Restored once, it is a database of its own; a later snapshot must not replace it.
    ignore_changes = [snapshot_identifier]
  }

  depends_on = [aws_cloudwatch_log_group.this]
}

resource "aws_db_parameter_group" "this" {
  name        = "${var.prefix}-postgres${local.major}"
  family      = "postgres${local.major}"
  description = "TLS for everybody, slow statements in the log"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  parameter {
    name  = "log_min_duration_statement"
    value = "500"
  }

  parameter {
    name  = "log_connections"
    value = "1"
  }

  parameter {
    name         = "max_connections"
    value        = tostring(var.max_connections)
    apply_method = "pending-reboot"
  }

  parameter {
    name         = "shared_preload_libraries"
    value        = "pg_stat_statements"
    apply_method = "pending-reboot"
  }

  lifecycle {
    # A major upgrade needs the new family before the old one is let go.
    create_before_destroy = true
  }
}

resource "aws_db_subnet_group" "this" {
  name        = var.prefix
  description = "Private subnets"
  subnet_ids  = var.subnet_ids
}

# RDS would make them itself, and keep what is in them for ever.
resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_338:They are for finding faults, not for the record; what people do is in the gateway's audit log
  for_each = toset(["postgresql", "upgrade"])

  name              = "/aws/rds/instance/${var.prefix}/${each.key}"
  kms_key_id        = var.key_arn
  retention_in_days = var.log_days
}
