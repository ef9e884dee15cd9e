"""Mistakes of every kind, planted one at a time into the modules.

A mistake is a text to be replaced in a file of a module whose example is then planned. What the
stand-in cannot see is listed too: a test holds that list to the truth, and README.md prints it.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Mistake:
    """Where, what is there, what stands there instead."""

    kind: str
    module: str
    file: str
    right: str
    wrong: str


CAUGHT: Final = (
    Mistake(
        "attribute that does not exist",
        "ecs-service",
        "service.tf",
        "propagate_tags ",
        "propagate_tag ",
    ),
    Mistake(
        "block that does not exist",
        "ecs-service",
        "service.tf",
        "deployment_circuit_breaker {",
        "deployment_circuitbreaker {",
    ),
    Mistake(
        "required attribute missing",
        "ecs-service",
        "task_definition.tf",
        '  family                   = "${var.prefix}-${var.name}"\n',
        "",
    ),
    Mistake(
        "required attribute of a block missing",
        "ecs-service",
        "service.tf",
        "    rollback = true\n",
        "",
    ),
    Mistake(
        "text for a number",
        "ecs-service",
        "service.tf",
        "desired_count                      = var.service.tasks.min",
        'desired_count                      = "two"',
    ),
    Mistake(
        "text for a list",
        "edge",
        "load_balancer.tf",
        "subnets                    = var.subnet_ids",
        'subnets                    = "subnet-1"',
    ),
    Mistake(
        "block twice where once is allowed",
        "ecs-service",
        "service.tf",
        "  network_configuration {",
        "  network_configuration {\n    subnets = []\n  }\n\n  network_configuration {",
    ),
    Mistake(
        "block missing where one is required",
        "edge",
        "cloudfront.tf",
        '  restrictions {\n    geo_restriction {\n      restriction_type = "none"\n    }\n  }\n',
        "",
    ),
    Mistake(
        "value for what AWS decides",
        "ecs-cluster",
        "main.tf",
        "  name = var.prefix\n\n  conf",
        '  name = var.prefix\n  arn = "x"\n\n  conf',
    ),
    Mistake(
        "reference to an attribute that does not exist",
        "ecs-service",
        "service.tf",
        "aws_ecs_task_definition.this.arn",
        "aws_ecs_task_definition.this.arnn",
    ),
    Mistake(
        "reference to a resource that does not exist",
        "edge",
        "cloudfront.tf",
        "aws_cloudfront_vpc_origin.this.id",
        "aws_cloudfront_vpc_origin.that.id",
    ),
    Mistake(
        "resource type that does not exist",
        "ecs-service",
        "scaling.tf",
        'resource "aws_appautoscaling_target"',
        'resource "aws_appautoscale_target"',
    ),
    Mistake(
        "output that a caller needs missing",
        "label",
        "outputs.tf",
        'output "prefix" {',
        'output "prefixes" {',
    ),
    Mistake(
        "attribute of an older provider",
        "network",
        "nat_instance.tf",
        '  domain            = "vpc"',
        "  vpc               = true",
    ),
    Mistake(
        "data source's attribute of an older provider",
        "network",
        "endpoints.tf",
        "data.aws_region.current.region}.s3",
        "data.aws_region.current.namee}.s3",
    ),
    Mistake(
        "function called with what it does not take",
        "network",
        "vpc.tf",
        "cidrsubnet(var.cidr, 4, each.value.number)",
        "cidrsubnet(var.cidr, 14, each.value.number + 99999)",
    ),
    Mistake(
        "value that is not one of the allowed",
        "network",
        "nat_instance.tf",
        'http_tokens                 = "required"',
        'http_tokens                 = "requierd"',
    ),
    Mistake(
        "protocol that is not one of the allowed",
        "edge",
        "load_balancer.tf",
        '  protocol             = "HTTP"\n  target_type',
        '  protocol             = "HTPP"\n  target_type',
    ),
    Mistake(
        "runtime that is not one of the allowed",
        "edge",
        "functions.tf",
        '"cloudfront-js-2.0"',
        '"cloudfront-js-9.0"',
    ),
    Mistake(
        "number that is not one of the allowed",
        "ecs-cluster",
        "main.tf",
        "retention_in_days = var.exec_log_days",
        "retention_in_days = var.exec_log_days + 1",
    ),
    Mistake(
        "attributes that exclude each other",
        "secrets",
        "secrets.tf",
        '  name                    = "${var.prefix}/${each.key}"',
        '  name_prefix             = "x"\n  name                    = "${var.prefix}/${each.key}"',
    ),
    Mistake(
        "document that is no JSON",
        "storage",
        "buckets.tf",
        "policy = data.aws_iam_policy_document.bucket[each.key].json",
        'policy = "{"',
    ),
    Mistake(
        "value that a variable refuses",
        "database",
        "examples/basic/main.tf",
        "  vpc_id     = module.network.vpc_id\n}\n\noutput",
        '  vpc_id     = module.network.vpc_id\n  engine_version = "9.6"\n}\n\noutput',
    ),
    Mistake(
        "module called without what it needs",
        "secrets",
        "examples/basic/main.tf",
        '  prefix = "example-poc"\n',
        "",
    ),
)

NOT_CAUGHT: Final = (
    Mistake(
        "action that IAM does not know",
        "ecs-service",
        "roles.tf",
        '"ecr:BatchGetImage"',
        '"ecr:BatchGetImages"',
    ),
    Mistake(
        "name that is longer than AWS takes",
        "registry",
        "main.tf",
        '"${var.prefix}/${each.key}"',
        '"${var.prefix}/${each.key}/${join("", [for n in range(400) : "x"])}"',
    ),
    Mistake(
        "field in a container definition that ECS does not know",
        "ecs-service",
        "task_definition.tf",
        "stopTimeout  ",
        "stopTimeouts ",
    ),
    Mistake(
        "combination that AWS refuses",
        "storage",
        "file_system.tf",
        'throughput_mode = "elastic"',
        'throughput_mode = "provisioned"',
    ),
    Mistake(
        "instance type that does not exist",
        "network",
        "variables.tf",
        '"t4g.nano"',
        '"t9z.nano"',
    ),
)
