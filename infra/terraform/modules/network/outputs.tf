output "cidr" {
  description = "Addresses of the VPC."
  value       = aws_vpc.this.cidr_block
}

output "nat_addresses" {
  description = "Addresses under which the private subnets appear in the internet."
  value       = concat(values(aws_eip.nat_gateway)[*].public_ip, values(aws_eip.nat_instance)[*].public_ip)
}

output "nat_group" {
  description = "Name of the NAT instance's group, through whose member administrators get in; null without one."
  value       = one(values(aws_autoscaling_group.nat)[*].name)
}

output "private_subnets" {
  description = "Ids of the private subnets by their zone's letter, once there is a way out of them."
  value       = { for zone, subnet in aws_subnet.private : zone => subnet.id }

  depends_on = [aws_route.nat_gateway, aws_route.nat_instance, aws_route_table_association.private]
}

output "public_subnets" {
  description = "Ids of the public subnets by their zone's letter."
  value       = { for zone, subnet in aws_subnet.public : zone => subnet.id }
}

output "vpc_id" {
  description = "Id of the VPC."
  value       = aws_vpc.this.id
}
