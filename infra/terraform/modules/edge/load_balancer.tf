resource "aws_lb" "this" {
  # checkov:skip=CKV2_AWS_28:The web ACL stands in front of CloudFront, the only way in from the internet
  name                       = var.prefix
  desync_mitigation_mode     = "strictest"
  drop_invalid_header_fields = true
  enable_deletion_protection = var.deletion_protection
  idle_timeout               = var.timeouts.idle_seconds
  internal                   = true
  load_balancer_type         = "application"
  security_groups            = [aws_security_group.load_balancer.id]
  subnets                    = var.subnet_ids
  xff_header_processing_mode = "append" # the gateway reads the client's address from it

  access_logs {
    bucket  = var.log_bucket.name
    enabled = true
    prefix  = "load-balancer"
  }
}

resource "aws_lb_target_group" "this" {
  # checkov:skip=CKV_AWS_378:Between load balancer and task traffic stays within the VPC, in security groups that let nobody else in
  for_each = var.routes

  name                 = "${var.prefix}-${each.key}"
  deregistration_delay = var.timeouts.drain_seconds
  port                 = each.value.port
  protocol             = "HTTP"
  target_type          = "ip"
  vpc_id               = var.vpc_id

  health_check {
    healthy_threshold   = 2
    interval            = 10
    matcher             = "200"
    path                = each.value.health_path
    timeout             = 5
    unhealthy_threshold = 3
  }
}

# Reached by CloudFront's VPC origin alone: public paths go on, everything else ends here.
resource "aws_lb_listener" "edge" {
  # checkov:skip=CKV_AWS_2:Without an own domain there is no certificate for the load balancer; CloudFront's VPC origin comes through AWS's own network
  # checkov:skip=CKV_AWS_103:As above; with a certificate the policy below asks for TLS 1.2 or newer
  # checkov:skip=CKV2_AWS_20:CloudFront redirects to HTTPS; this listener talks to CloudFront
  load_balancer_arn = aws_lb.this.arn
  certificate_arn   = local._origin_certificate_arn
  port              = local.edge_port
  protocol          = local._origin_protocol
  ssl_policy        = local._ssl_policy

  default_action {
    type = "fixed-response"

    fixed_response {
      content_type = "application/json"
      message_body = local.refusals.other
      status_code  = "403"
    }
  }
}

resource "aws_lb_listener_rule" "private" {
  listener_arn = aws_lb_listener.edge.arn
  priority     = 1

  action {
    type = "fixed-response"

    fixed_response {
      content_type = "application/json"
      message_body = local.refusals.administrative
      status_code  = "403"
    }
  }

  condition {
    path_pattern {
      values = local._private_paths
    }
  }
}

resource "aws_lb_listener_rule" "public" {
  for_each = local._public_routes

  listener_arn = aws_lb_listener.edge.arn
  priority     = each.value.priority

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this[each.key].arn
  }

  condition {
    path_pattern {
      values = each.value.paths
    }
  }

  lifecycle {
    precondition {
      condition     = length(each.value.paths) <= 5
      error_message = "A listener rule has at most 5 path patterns; ${each.key} has ${length(each.value.paths)}."
    }
  }
}

# For people in the VPC or the VPN: everything goes to the gateway's internal port.
resource "aws_lb_listener" "internal" {
  # checkov:skip=CKV_AWS_2:Without an own domain there is no certificate for the load balancer; sessions come through Session Manager or a VPN, which encrypt
  # checkov:skip=CKV_AWS_103:As above; with a certificate the policy below asks for TLS 1.2 or newer
  load_balancer_arn = aws_lb.this.arn
  certificate_arn   = local._origin_certificate_arn
  port              = var.internal_port
  protocol          = local._origin_protocol
  ssl_policy        = local._ssl_policy

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this[var.internal_route].arn
  }
}

locals {
  edge_port = local._origin_certificate_arn == null ? 80 : 443

  _origin_certificate_arn = try(var.domain.origin_certificate_arn, null)
  _origin_protocol        = local._origin_certificate_arn == null ? "HTTP" : "HTTPS"
  _ssl_policy             = local._origin_certificate_arn == null ? null : "ELBSecurityPolicy-TLS13-1-2-2021-06"
}
