data "aws_cloudfront_cache_policy" "disabled" {
  name = "Managed-CachingDisabled"
}

data "aws_cloudfront_origin_request_policy" "all_viewer" {
  name = "Managed-AllViewer"
}

locals {
  _vpc_origin = {
    arn                    = aws_lb.this.arn
    http_port              = 80
    https_port             = 443
    origin_protocol_policy = local._origin_certificate_arn == null ? "http-only" : "https-only"
    origin_ssl_protocols   = ["TLSv1.2"]
  }
  _vpc_origin_name = "${var.prefix}-${substr(sha256(jsonencode(local._vpc_origin)), 0, 8)}"
}

# A VPC origin cannot be changed while a distribution uses it (409 CannotUpdateEntityWhileInUse), and the
# provider would update it in place. A change gives it another name, and another name replaces it.
resource "terraform_data" "vpc_origin_name" {
  input = local._vpc_origin_name
}

resource "aws_cloudfront_vpc_origin" "this" {
  vpc_origin_endpoint_config {
    name                   = local._vpc_origin_name
    arn                    = local._vpc_origin.arn
    http_port              = local._vpc_origin.http_port
    https_port             = local._vpc_origin.https_port
    origin_protocol_policy = local._vpc_origin.origin_protocol_policy

    origin_ssl_protocols {
      items    = local._vpc_origin.origin_ssl_protocols
      quantity = length(local._vpc_origin.origin_ssl_protocols)
    }
  }

  lifecycle {
    create_before_destroy = true
    replace_triggered_by  = [terraform_data.vpc_origin_name]
  }
}

resource "aws_cloudfront_distribution" "this" {
  # checkov:skip=CKV_AWS_86:Access logs are delivered by CloudWatch's log delivery (logs.tf), which needs no access lists
  # checkov:skip=CKV_AWS_174:CloudFront's own certificate fixes the oldest version at TLS 1.0; with an own domain it is 1.2, and prod requires one
  # checkov:skip=CKV_AWS_305:There is no page at the root; it answers 403
  # checkov:skip=CKV_AWS_310:There is one origin, a load balancer over several zones
  # checkov:skip=CKV_AWS_374:Developers may travel; keys and budgets decide, not countries
  # checkov:skip=CKV2_AWS_42:An own certificate comes with an own domain
  # checkov:skip=CKV2_AWS_46:The origin is a load balancer, not a bucket
  # checkov:skip=CKV2_AWS_47:The web ACL is a choice of the environment, and prompts about Log4j are no attack
  aliases         = var.domain[*].name
  comment         = var.prefix
  enabled         = true
  http_version    = "http2and3"
  is_ipv6_enabled = true
  price_class     = var.price_class
  web_acl_id      = one(aws_wafv2_web_acl.this[*].arn)

  origin {
    domain_name         = aws_lb.this.dns_name
    origin_id           = "load-balancer"
    connection_attempts = 2
    connection_timeout  = 5

    vpc_origin_config {
      vpc_origin_id            = aws_cloudfront_vpc_origin.this.id
      origin_keepalive_timeout = 60
      origin_read_timeout      = var.timeouts.read_seconds
    }
  }

  default_cache_behavior {
    allowed_methods            = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
    cache_policy_id            = data.aws_cloudfront_cache_policy.disabled.id
    cached_methods             = ["GET", "HEAD"]
    compress                   = false
    origin_request_policy_id   = data.aws_cloudfront_origin_request_policy.all_viewer.id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.this.id
    target_origin_id           = "load-balancer"
    viewer_protocol_policy     = "https-only"

    function_association {
      event_type   = "viewer-request"
      function_arn = aws_cloudfront_function.viewer_request.arn
    }
  }

  dynamic "ordered_cache_behavior" {
    for_each = local.public_paths

    content {
      allowed_methods            = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
      cache_policy_id            = data.aws_cloudfront_cache_policy.disabled.id
      cached_methods             = ["GET", "HEAD"]
      compress                   = local._is_page[ordered_cache_behavior.value]
      origin_request_policy_id   = data.aws_cloudfront_origin_request_policy.all_viewer.id
      path_pattern               = ordered_cache_behavior.value
      response_headers_policy_id = aws_cloudfront_response_headers_policy.this.id
      target_origin_id           = "load-balancer"
      viewer_protocol_policy     = local._is_page[ordered_cache_behavior.value] ? "redirect-to-https" : "https-only"

      function_association {
        event_type   = "viewer-request"
        function_arn = aws_cloudfront_function.viewer_request.arn
      }
    }
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    acm_certificate_arn            = try(var.domain.certificate_arn, null)
    cloudfront_default_certificate = var.domain == null
    minimum_protocol_version       = var.domain == null ? "TLSv1" : "TLSv1.2_2021"
    ssl_support_method             = var.domain == null ? null : "sni-only"
  }

  depends_on = [aws_lb_listener.edge]
}

locals {
  # A browser may come by HTTP and is sent on; an API client that does has leaked its key already.
  _is_page = { for path in local.public_paths : path => can(regex("^/(grafana|langfuse)", path)) }
}

resource "aws_cloudfront_response_headers_policy" "this" {
  # checkov:skip=CKV_AWS_259:HSTS is on for a year; to have a domain preloaded by browsers is for its owner to say
  name    = var.prefix
  comment = "Security headers"

  security_headers_config {
    content_type_options {
      override = true
    }

    frame_options {
      frame_option = "SAMEORIGIN"
      override     = true
    }

    referrer_policy {
      override        = true
      referrer_policy = "same-origin"
    }

    strict_transport_security {
      access_control_max_age_sec = 31536000
      include_subdomains         = true
      override                   = true
    }
  }

  remove_headers_config {
    items {
      header = "server"
    }
  }
}

resource "aws_route53_record" "this" {
  for_each = var.domain == null ? toset([]) : toset(var.domain.zone_id == null ? [] : ["A", "AAAA"])

  name    = var.domain.name
  type    = each.key
  zone_id = var.domain.zone_id

  alias {
    evaluate_target_health = false
    name                   = aws_cloudfront_distribution.this.domain_name
    zone_id                = aws_cloudfront_distribution.this.hosted_zone_id
  }
}
