output "distribution" {
  description = "The CloudFront distribution: its ARN, id and host name."
  value = {
    arn    = aws_cloudfront_distribution.this.arn
    domain = aws_cloudfront_distribution.this.domain_name
    id     = aws_cloudfront_distribution.this.id
  }
}

output "internal_url" {
  description = "Administration, from within the VPC or the VPN."
  value       = "${lower(local._origin_protocol)}://${coalesce(local._internal_name, aws_lb.this.dns_name)}:${var.internal_port}"
}

output "load_balancer" {
  description = "Host name of the load balancer, and the end of its ARN that CloudWatch names it by."
  value       = { arn_suffix = aws_lb.this.arn_suffix, host = aws_lb.this.dns_name }
}

output "public_paths" {
  description = "What is let through from the internet."
  value       = local.public_paths
}

output "security_group_id" {
  description = "Security group of the load balancer."
  value       = aws_security_group.load_balancer.id
}

output "target_groups" {
  description = "Target groups by route, once a listener leads to them."
  value       = { for name, group in aws_lb_target_group.this : name => { arn = group.arn, arn_suffix = group.arn_suffix } }

  depends_on = [aws_lb_listener.internal, aws_lb_listener_rule.public]
}
