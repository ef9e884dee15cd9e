resource "aws_security_group" "this" {
  name        = "${var.prefix}-database"
  description = "PostgreSQL from the services that use it"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.prefix}-database" }
}

resource "aws_vpc_security_group_ingress_rule" "this" {
  for_each = var.clients

  security_group_id            = aws_security_group.this.id
  description                  = "PostgreSQL from ${each.key}"
  from_port                    = 5432
  ip_protocol                  = "tcp"
  referenced_security_group_id = each.value
  to_port                      = 5432
}

resource "aws_vpc_security_group_egress_rule" "client" {
  for_each = var.clients

  security_group_id            = each.value
  description                  = "PostgreSQL"
  from_port                    = 5432
  ip_protocol                  = "tcp"
  referenced_security_group_id = aws_security_group.this.id
  to_port                      = 5432
}
