# Containers only: a value is put in by a person or by ops, and is in no variable and no state.
resource "aws_secretsmanager_secret" "this" {
  # checkov:skip=CKV2_AWS_57:Where there is a rotation function it is attached below; the others are rotated by ops, which also restarts the services that read them
  for_each = var.secrets

  name                    = "${var.prefix}/${each.key}"
  description             = each.value.description
  kms_key_id              = aws_kms_key.this.arn
  recovery_window_in_days = var.recovery_window_days
}

resource "aws_secretsmanager_secret_rotation" "this" {
  # checkov:skip=CKV_AWS_304:The variable takes 90 days at the most
  for_each = { for name, secret in var.secrets : name => secret.rotation if secret.rotation != null }

  secret_id           = aws_secretsmanager_secret.this[each.key].id
  rotation_lambda_arn = each.value.function_arn

  rotation_rules {
    automatically_after_days = each.value.days
  }
}
