# The address and the routes belong to a network interface that outlives the machine behind it: a
# group of one replaces a failed machine, and the new one takes the same interface.
locals {
  nat_instance = var.nat.mode == "instance" ? { (keys(local.zones)[0]) = local.zones[keys(local.zones)[0]] } : {}
}

resource "aws_network_interface" "nat" {
  for_each = local.nat_instance

  description       = "Way out of the private subnets"
  security_groups   = [aws_security_group.nat[each.key].id]
  source_dest_check = false
  subnet_id         = aws_subnet.public[each.key].id

  tags = { Name = "${var.prefix}-nat" }
}

resource "aws_eip" "nat_instance" {
  # checkov:skip=CKV2_AWS_19:It belongs to the network interface above, which the NAT instance takes
  for_each = local.nat_instance

  domain            = "vpc"
  network_interface = aws_network_interface.nat[each.key].id

  tags = { Name = "${var.prefix}-nat" }

  depends_on = [aws_internet_gateway.this]
}

resource "aws_route" "nat_instance" {
  for_each = var.nat.mode == "instance" ? local.zones : {}

  route_table_id         = aws_route_table.private[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  network_interface_id   = one(values(aws_network_interface.nat)).id
}

resource "aws_launch_template" "nat" {
  # checkov:skip=CKV_AWS_88:The way out to the internet has a public address, of the interface above; nothing is let in on it
  for_each = local.nat_instance

  name          = "${var.prefix}-nat"
  image_id      = "resolve:ssm:${var.nat.image_parameter}"
  instance_type = var.nat.instance_type
  user_data     = filebase64("${path.module}/files/nat.sh")

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      delete_on_termination = true
      encrypted             = true
      volume_size           = 8
      volume_type           = "gp3"
    }
  }

  iam_instance_profile {
    arn = aws_iam_instance_profile.nat[each.key].arn
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_put_response_hop_limit = 1
    http_tokens                 = "required"
  }

  monitoring {
    enabled = false
  }

  network_interfaces {
    device_index         = 0
    network_interface_id = aws_network_interface.nat[each.key].id
  }

  tag_specifications {
    resource_type = "instance"
    tags          = { Name = "${var.prefix}-nat" }
  }

  tag_specifications {
    resource_type = "volume"
    tags          = { Name = "${var.prefix}-nat" }
  }
}

resource "aws_autoscaling_group" "nat" {
  for_each = local.nat_instance

  name = "${var.prefix}-nat"
  # With an interface that exists already, a group is given a zone instead of a subnet.
  availability_zones        = [each.value.name]
  desired_capacity          = 1
  health_check_grace_period = 120
  health_check_type         = "EC2"
  max_size                  = 1
  metrics_granularity       = "1Minute"
  enabled_metrics           = ["GroupInServiceInstances"]
  min_size                  = 1

  instance_refresh {
    strategy = "Rolling"

    preferences {
      min_healthy_percentage = 0
    }
  }

  launch_template {
    id      = aws_launch_template.nat[each.key].id
    version = aws_launch_template.nat[each.key].latest_version
  }

  tag {
    key                 = "Name"
    propagate_at_launch = true
    value               = "${var.prefix}-nat"
  }
}

resource "aws_security_group" "nat" {
  for_each = local.nat_instance

  name        = "${var.prefix}-nat"
  description = "HTTPS from the private subnets out to the internet"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.prefix}-nat" }
}

resource "aws_vpc_security_group_ingress_rule" "nat" {
  for_each = local.nat_instance

  security_group_id = aws_security_group.nat[each.key].id
  description       = "HTTPS from within the VPC"
  cidr_ipv4         = var.cidr
  from_port         = 443
  ip_protocol       = "tcp"
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "nat" {
  for_each = local.nat_instance

  security_group_id = aws_security_group.nat[each.key].id
  description       = "HTTPS to AWS's APIs, registries and package mirrors"
  cidr_ipv4         = "0.0.0.0/0"
  from_port         = 443
  ip_protocol       = "tcp"
  to_port           = 443
}

# By Session Manager a person gets in without an open port, and from there to the internal listener.
resource "aws_vpc_security_group_egress_rule" "nat_to_internal" {
  for_each = local.nat_instance

  security_group_id = aws_security_group.nat[each.key].id
  description       = "Administration through Session Manager's port forwarding"
  cidr_ipv4         = var.cidr
  from_port         = var.internal_port
  ip_protocol       = "tcp"
  to_port           = var.internal_port
}

data "aws_iam_policy_document" "nat_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "nat" {
  for_each = local.nat_instance

  name                 = "${var.prefix}-nat"
  assume_role_policy   = data.aws_iam_policy_document.nat_trust.json
  permissions_boundary = var.permissions_boundary
}

resource "aws_iam_role_policy_attachment" "nat" {
  for_each = local.nat_instance

  role       = aws_iam_role.nat[each.key].name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"
}

resource "aws_iam_instance_profile" "nat" {
  for_each = local.nat_instance

  name = "${var.prefix}-nat"
  role = aws_iam_role.nat[each.key].name
}
