data "aws_ec2_managed_prefix_list" "cloudfront" {
  name = "com.amazonaws.global.cloudfront.origin-facing"
}

resource "aws_security_group" "load_balancer" {
  name        = "${var.prefix}-load-balancer"
  description = "CloudFront to the edge listener, administrators to the internal one"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.prefix}-load-balancer" }
}

resource "aws_vpc_security_group_ingress_rule" "edge" {
  security_group_id = aws_security_group.load_balancer.id
  description       = "CloudFront"
  from_port         = local.edge_port
  ip_protocol       = "tcp"
  prefix_list_id    = data.aws_ec2_managed_prefix_list.cloudfront.id
  to_port           = local.edge_port
}

resource "aws_vpc_security_group_ingress_rule" "internal" {
  for_each = var.administrators

  security_group_id = aws_security_group.load_balancer.id
  description       = "Administration from ${each.key}"
  cidr_ipv4         = each.value
  from_port         = var.internal_port
  ip_protocol       = "tcp"
  to_port           = var.internal_port
}

resource "aws_vpc_security_group_egress_rule" "targets" {
  for_each = var.routes

  security_group_id            = aws_security_group.load_balancer.id
  description                  = "To ${each.key}"
  from_port                    = each.value.port
  ip_protocol                  = "tcp"
  referenced_security_group_id = var.service_security_groups[each.value.service]
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_ingress_rule" "targets" {
  for_each = var.routes

  security_group_id            = var.service_security_groups[each.value.service]
  description                  = "From the load balancer"
  from_port                    = each.value.port
  ip_protocol                  = "tcp"
  referenced_security_group_id = aws_security_group.load_balancer.id
  to_port                      = each.value.port
}
