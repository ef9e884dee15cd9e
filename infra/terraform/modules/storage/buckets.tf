data "aws_caller_identity" "current" {}

# trivy:ignore:AWS-0089 The same reason as for checkov below
resource "aws_s3_bucket" "this" {
  # checkov:skip=CKV_AWS_19:Encrypted below, by the key or by S3's own
  # checkov:skip=CKV_AWS_145:The key encrypts all but logs of load balancers, which come with S3's own key only
  # checkov:skip=CKV_AWS_18:These buckets hold logs and files of the platform itself; logging the log bucket into another one has no end
  # checkov:skip=CKV_AWS_144:What is in them can be made again or is kept elsewhere; docs/security.md says which
  # checkov:skip=CKV2_AWS_62:Nobody waits for new objects
  for_each = var.buckets

  bucket        = "${var.prefix}-${each.key}-${data.aws_caller_identity.current.account_id}"
  force_destroy = var.disposable
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = var.buckets

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = var.buckets

  bucket                  = aws_s3_bucket.this[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = var.buckets

  bucket = aws_s3_bucket.this[each.key].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = var.buckets

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    # Load balancers deliver their logs to buckets with S3's own keys only.
    bucket_key_enabled = each.value.encryption == "kms"

    apply_server_side_encryption_by_default {
      kms_master_key_id = each.value.encryption == "kms" ? var.key_arn : null
      sse_algorithm     = each.value.encryption == "kms" ? "aws:kms" : "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = var.buckets

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    id     = "expire"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }

    noncurrent_version_expiration {
      noncurrent_days = 30
    }

    dynamic "expiration" {
      for_each = each.value.expire_days[*]

      content {
        days = expiration.value
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_policy" "this" {
  for_each = var.buckets

  bucket = aws_s3_bucket.this[each.key].id
  policy = data.aws_iam_policy_document.bucket[each.key].json

  depends_on = [aws_s3_bucket_public_access_block.this]
}

data "aws_iam_policy_document" "bucket" {
  for_each = var.buckets

  statement {
    sid       = "EncryptedConnectionsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.this[each.key].arn, "${aws_s3_bucket.this[each.key].arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  dynamic "statement" {
    for_each = each.value.log_writers

    content {
      sid     = "LogsFrom${replace(title(replace(statement.value, ".", " ")), " ", "")}"
      actions = ["s3:PutObject"]
      # Writers put the account that they write for into the path.
      resources = ["${aws_s3_bucket.this[each.key].arn}/*AWSLogs/${data.aws_caller_identity.current.account_id}/*"]

      principals {
        type        = "Service"
        identifiers = [statement.value]
      }

      # Load balancers' deliveries carry no account to compare.
      dynamic "condition" {
        for_each = slice([data.aws_caller_identity.current.account_id], 0, startswith(statement.value, "logdelivery.") ? 0 : 1)

        content {
          test     = "StringEquals"
          variable = "aws:SourceAccount"
          values   = [condition.value]
        }
      }
    }
  }
}
