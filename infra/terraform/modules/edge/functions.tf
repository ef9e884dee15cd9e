locals {
  _policy = {
    administrative = sort(local._administrative)
    # Headers by which some servers and frameworks are told another path, host or method.
    droppedHeaders = [
      "x-forwarded-prefix", "x-forwarded-uri", "x-http-method", "x-http-method-override",
      "x-method-override", "x-original-uri", "x-original-url", "x-rewrite-url",
    ]
    private   = local._private_paths
    public    = local.public_paths
    redirects = var.redirects
    refusals  = local.refusals
  }

  viewer_request = "const POLICY = ${jsonencode(local._policy)};\n\n${file("${path.module}/functions/viewer-request.js")}"
}

resource "aws_cloudfront_function" "viewer_request" {
  name    = "${var.prefix}-viewer-request"
  code    = local.viewer_request
  comment = "Public paths only"
  publish = true
  runtime = "cloudfront-js-2.0"

  lifecycle {
    precondition {
      condition     = length(local.viewer_request) <= 10240
      error_message = "A CloudFront function has at most 10,240 bytes; this one has ${length(local.viewer_request)}."
    }
  }
}
