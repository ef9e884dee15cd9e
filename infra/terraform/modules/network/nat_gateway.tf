locals {
  nat_gateways = var.nat.mode == "gateway" ? local.zones : {}
}

resource "aws_eip" "nat_gateway" {
  # checkov:skip=CKV2_AWS_19:It belongs to the NAT gateway below
  for_each = local.nat_gateways

  domain = "vpc"

  tags = { Name = "${var.prefix}-nat-${each.key}" }
}

resource "aws_nat_gateway" "this" {
  for_each = local.nat_gateways

  allocation_id = aws_eip.nat_gateway[each.key].id
  subnet_id     = aws_subnet.public[each.key].id

  tags = { Name = "${var.prefix}-${each.key}" }

  depends_on = [aws_internet_gateway.this]
}

resource "aws_route" "nat_gateway" {
  for_each = local.nat_gateways

  route_table_id         = aws_route_table.private[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[each.key].id
}
