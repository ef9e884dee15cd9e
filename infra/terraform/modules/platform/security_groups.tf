# A group for each service. Nobody gets in but the neighbours that services.json names.
resource "aws_security_group" "service" {
  # checkov:skip=CKV2_AWS_5:Each is given to the service of its name in services.tf
  for_each = local._names

  name        = "${var.prefix}-${each.key}"
  description = "Tasks of ${each.key}"
  vpc_id      = module.network.vpc_id

  tags = { Name = "${var.prefix}-${each.key}" }
}

resource "aws_vpc_security_group_ingress_rule" "neighbour" {
  for_each = module.service_spec.connections

  security_group_id            = aws_security_group.service[each.value.to].id
  description                  = "From ${each.value.from}"
  from_port                    = each.value.port
  ip_protocol                  = "tcp"
  referenced_security_group_id = aws_security_group.service[each.value.from].id
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_egress_rule" "neighbour" {
  for_each = module.service_spec.connections

  security_group_id            = aws_security_group.service[each.value.from].id
  description                  = "To ${each.value.to}"
  from_port                    = each.value.port
  ip_protocol                  = "tcp"
  referenced_security_group_id = aws_security_group.service[each.value.to].id
  to_port                      = each.value.port
}

# Fargate itself fetches images, secrets and log channels from within the task's network.
resource "aws_vpc_security_group_egress_rule" "aws" {
  for_each = local._names

  security_group_id = aws_security_group.service[each.key].id
  description       = "HTTPS to AWS's APIs and registries"
  cidr_ipv4         = "0.0.0.0/0"
  from_port         = 443
  ip_protocol       = "tcp"
  to_port           = 443
}
