data "aws_availability_zones" "available" {
  # checkov:skip=CKV_AWS_394:The variable zone_letters pins them once the network is there
  state = "available"
}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  _zone_names = (
    var.zone_letters == null ?
    slice(data.aws_availability_zones.available.names, 0, var.zones) :
    [for letter in var.zone_letters : "${data.aws_region.current.region}${letter}"]
  )

  # Keys are the zones' letters, so that a subnet keeps its address if the list changes order.
  zones = {
    for number, name in local._zone_names :
    trimprefix(name, data.aws_region.current.region) => { name = name, number = number }
  }
}

resource "aws_vpc" "this" {
  cidr_block           = var.cidr
  enable_dns_hostnames = true
  enable_dns_support   = true

  tags = { Name = var.prefix }
}

# Whatever forgets to name a security group gets this one, which lets nothing through.
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.prefix}-closed" }
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id

  tags = { Name = var.prefix }
}

resource "aws_subnet" "public" {
  for_each = local.zones

  availability_zone       = each.value.name
  cidr_block              = cidrsubnet(var.cidr, 8, 240 + each.value.number)
  map_public_ip_on_launch = false
  vpc_id                  = aws_vpc.this.id

  tags = { Name = "${var.prefix}-public-${each.key}" }
}

resource "aws_subnet" "private" {
  for_each = local.zones

  availability_zone       = each.value.name
  cidr_block              = cidrsubnet(var.cidr, 4, each.value.number)
  map_public_ip_on_launch = false
  vpc_id                  = aws_vpc.this.id

  tags = { Name = "${var.prefix}-private-${each.key}" }
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.prefix}-public" }
}

resource "aws_route" "internet" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_route_table_association" "public" {
  for_each = local.zones

  route_table_id = aws_route_table.public.id
  subnet_id      = aws_subnet.public[each.key].id
}

resource "aws_route_table" "private" {
  for_each = local.zones

  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.prefix}-private-${each.key}" }
}

resource "aws_route_table_association" "private" {
  for_each = local.zones

  route_table_id = aws_route_table.private[each.key].id
  subnet_id      = aws_subnet.private[each.key].id
}
