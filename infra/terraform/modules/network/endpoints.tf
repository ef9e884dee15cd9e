resource "aws_vpc_endpoint" "s3" {
  vpc_id          = aws_vpc.this.id
  route_table_ids = values(aws_route_table.private)[*].id
  service_name    = "com.amazonaws.${data.aws_region.current.region}.s3"

  tags = { Name = "${var.prefix}-s3" }
}

resource "aws_vpc_endpoint" "this" {
  for_each = var.endpoints

  private_dns_enabled = true
  security_group_ids  = [aws_security_group.endpoints[0].id]
  service_name        = "com.amazonaws.${data.aws_region.current.region}.${each.key}"
  subnet_ids          = values(aws_subnet.private)[*].id
  vpc_endpoint_type   = "Interface"
  vpc_id              = aws_vpc.this.id

  tags = { Name = "${var.prefix}-${each.key}" }
}

resource "aws_security_group" "endpoints" {
  count = length(var.endpoints) > 0 ? 1 : 0

  name        = "${var.prefix}-endpoints"
  description = "HTTPS to AWS's APIs without leaving the network"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.prefix}-endpoints" }
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  count = length(var.endpoints) > 0 ? 1 : 0

  security_group_id = aws_security_group.endpoints[0].id
  description       = "HTTPS from within the VPC"
  cidr_ipv4         = var.cidr
  from_port         = 443
  ip_protocol       = "tcp"
  to_port           = 443
}
