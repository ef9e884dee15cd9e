# CloudFront hands its logs over in us-east-1, wherever the bucket is.
resource "aws_cloudwatch_log_delivery_source" "access" {
  region = "us-east-1"

  name         = "${var.prefix}-access"
  log_type     = "ACCESS_LOGS"
  resource_arn = aws_cloudfront_distribution.this.arn
}

resource "aws_cloudwatch_log_delivery_destination" "access" {
  region = "us-east-1"

  name          = "${var.prefix}-access"
  output_format = "json"

  delivery_destination_configuration {
    destination_resource_arn = "${var.log_bucket.arn}/cloudfront"
  }
}

resource "aws_cloudwatch_log_delivery" "access" {
  region = "us-east-1"

  delivery_destination_arn = aws_cloudwatch_log_delivery_destination.access.arn
  delivery_source_name     = aws_cloudwatch_log_delivery_source.access.name
}
