# The certificate of the internal listener is for a name, which only the VPC and the VPN resolve.
locals {
  _internal_name = local._origin_certificate_arn == null ? null : "internal.${var.domain.name}"
}

resource "aws_route53_zone" "internal" {
  # checkov:skip=CKV2_AWS_38:A private zone is not signed
  # checkov:skip=CKV2_AWS_39:Queries of a private zone are those of this VPC alone
  count = local._internal_name == null ? 0 : 1

  name    = local._internal_name
  comment = "Administration of ${var.prefix}"

  vpc {
    vpc_id = var.vpc_id
  }
}

resource "aws_route53_record" "internal" {
  count = local._internal_name == null ? 0 : 1

  name    = local._internal_name
  type    = "A"
  zone_id = aws_route53_zone.internal[0].zone_id

  alias {
    evaluate_target_health = false
    name                   = aws_lb.this.dns_name
    zone_id                = aws_lb.this.zone_id
  }
}
