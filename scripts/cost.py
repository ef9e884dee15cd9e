"""What an environment costs in a month, from its plan: `python -m scripts.cost ENVIRONMENT < PLAN`.

The plan is what `terraform show -json` writes; prices and assumed use are in
infra/terraform/cost/prices.json, with their date. Model calls are not in it.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

PRICES: Final = (
    Path(__file__).resolve().parent.parent / "infra" / "terraform" / "cost" / "prices.json"
)
FREE: Final = (
    # Or paid by use that docs/cost.md speaks of: CloudFront and its functions, S3.
    *("aws_appautoscaling_", "aws_autoscaling_group", "aws_budgets_budget", "aws_cloudfront_"),
    *("aws_cloudwatch_log_delivery", "aws_db_parameter_group", "aws_db_subnet_group"),
    *("aws_default_security_group", "aws_ecr_lifecycle_policy", "aws_ecs_cluster_capacity"),
    *("aws_ecs_task_definition", "aws_efs_", "aws_flow_log", "aws_iam_", "aws_internet_gateway"),
    *("aws_kms_alias", "aws_lb_", "aws_network_interface", "aws_route", "aws_s3_bucket"),
    *("aws_security_group", "aws_service_discovery_service", "aws_sns_", "aws_subnet", "aws_vpc"),
    *("aws_secretsmanager_secret_rotation", "aws_wafv2_web_acl_logging", "terraform_data"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the bill."""

    what: str
    how: str
    usd: Decimal


class Bill:
    """The rows of one environment."""

    def __init__(self, environment: str, region: str, resources: list[dict[str, Any]]) -> None:
        prices = json.loads(PRICES.read_text(), parse_float=Decimal, parse_int=Decimal)
        self._price: dict[str, Decimal] = prices["regions"][region]
        self._use: dict[str, Decimal] = prices["usage"][environment]
        self._hours: Decimal = prices["hours_per_month"]
        self._spot: Decimal = prices["spot_factor"]
        self._resources = resources

    def lines(self) -> list[Line]:
        """All rows; the tasks first, the largest at the top."""
        tasks = sorted(self._tasks(), key=lambda line: (-line.usd, line.what))
        rest: list[Callable[[], Iterator[Line]]] = [
            self._load_balancer,
            self._database,
            self._ways_out,
            self._endpoints,
            self._counted,
            self._web_acl,
            self._insights,
            self._used,
        ]
        return [*tasks, *(line for part in rest for line in part())]

    def unpriced(self) -> set[str]:
        """Kinds of resources that are neither priced nor known to be free."""
        priced = (
            *("aws_cloudwatch_log_group", "aws_cloudwatch_metric_alarm", "aws_db_instance"),
            *("aws_ecr_repository", "aws_ecs_cluster", "aws_ecs_service", "aws_eip", "aws_kms_key"),
            *("aws_launch_template", "aws_lb", "aws_nat_gateway", "aws_secretsmanager_secret"),
            *("aws_route53_zone", "aws_service_discovery_private_dns_namespace"),
            *("aws_vpc_endpoint", "aws_wafv2_web_acl"),
        )
        kinds = {one["type"] for one in self._resources}
        return {one for one in kinds if one not in priced and not one.startswith(FREE)}

    def _all(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self._resources if one["type"] == kind]

    def _month(self, price: str) -> Decimal:
        return self._price[price] * self._hours

    def _tasks(self) -> Iterator[Line]:
        sizes = {
            one["address"].rpartition(".aws_ecs_task_definition")[0]: one["values"]
            for one in self._all("aws_ecs_task_definition")
        }
        for service in self._all("aws_ecs_service"):
            values = service["values"]
            size = sizes[service["address"].rpartition(".aws_ecs_service")[0]]
            cpu, memory = Decimal(size["cpu"]) / 1024, Decimal(size["memory"]) / 1024
            spot = values["capacity_provider_strategy"][0]["capacity_provider"] == "FARGATE_SPOT"
            one = cpu * self._month("fargate_vcpu_hour") + memory * self._month("fargate_gb_hour")
            number = values["desired_count"]
            how = f"{number} of {cpu.normalize()} vCPU, {memory.normalize()} GB, ARM"
            usd = one * number * (self._spot if spot else 1)
            yield Line(values["name"], how + (", Spot" if spot else ""), usd)

    def _load_balancer(self) -> Iterator[Line]:
        usd = self._month("alb_hour") + self._use["alb_lcu"] * self._month("alb_lcu_hour")
        yield Line("load balancer", f"and {self._use['alb_lcu']} capacity units", usd)

    def _database(self) -> Iterator[Line]:
        for one in self._all("aws_db_instance"):
            values = one["values"]
            copies = 2 if values["multi_az"] else 1
            storage = Decimal(values["allocated_storage"])
            usd = copies * (
                self._month(f"{values['instance_class']}_hour")
                + storage * self._price["rds_gb_month"]
            )
            standby = ", and a standby" if copies == 2 else ""
            yield Line("database", f"{values['instance_class']}, {storage} GB{standby}", usd)

    def _ways_out(self) -> Iterator[Line]:
        addresses = len(self._all("aws_eip"))
        for one in self._all("aws_launch_template"):
            kind = one["values"]["instance_type"]
            disk = one["values"]["block_device_mappings"][0]["ebs"][0]["volume_size"]
            usd = self._month(f"{kind}_hour") + disk * self._price["ebs_gb_month"]
            yield Line("NAT instance", f"{kind}, {disk} GB", usd)
        gateways = len(self._all("aws_nat_gateway"))
        if gateways:
            data = self._use["nat_gateway_gb"]
            usd = gateways * self._month("nat_gateway_hour") + data * self._price["nat_gateway_gb"]
            yield Line("NAT gateways", f"{gateways}, {data} GB", usd)
        yield Line("public addresses", f"{addresses}", addresses * self._month("ipv4_hour"))

    def _endpoints(self) -> Iterator[Line]:
        found = [
            one
            for one in self._all("aws_vpc_endpoint")
            if one["values"].get("vpc_endpoint_type") == "Interface"
        ]
        zones = len([one for one in self._all("aws_subnet") if ".private" in one["address"]])
        if found:
            usd = len(found) * zones * self._month("endpoint_zone_hour")
            yield Line("endpoints", f"{len(found)} in {zones} zones", usd)

    def _counted(self) -> Iterator[Line]:
        for what, kind, price, more in (
            ("secrets", "aws_secretsmanager_secret", "secret_month", 1),  # RDS makes one itself
            ("keys", "aws_kms_key", "kms_key_month", 0),
            ("alarms", "aws_cloudwatch_metric_alarm", "alarm_month", 0),
            ("DNS zones", "aws_service_discovery_private_dns_namespace", "zone_month", 0),
            ("names", "aws_route53_zone", "zone_month", 0),
        ):
            number = len(self._all(kind)) + more
            if number:
                yield Line(what, f"{number}", number * self._price[price])

    def _web_acl(self) -> Iterator[Line]:
        for one in self._all("aws_wafv2_web_acl"):
            rules = len(one["values"]["rule"])
            usd = self._price["web_acl_month"] + rules * self._price["web_acl_rule_month"]
            yield Line("web ACL", f"{rules} rules", usd)

    def _insights(self) -> Iterator[Line]:
        settings = [one["values"]["setting"][0]["value"] for one in self._all("aws_ecs_cluster")]
        if settings != ["disabled"]:
            number = 10 + 11 * len(self._all("aws_ecs_service"))
            usd = number * self._price["custom_metric_month"]
            yield Line("Container Insights", f"about {number} metrics", usd)

    def _used(self) -> Iterator[Line]:
        for what, use, price in (
            ("logs", "log_gb", "log_gb"),
            ("images", "ecr_gb", "ecr_gb_month"),
            ("file system", "efs_gb", "efs_gb_month"),
        ):
            yield Line(what, f"{self._use[use]} GB", self._use[use] * self._price[price])


def resources(module: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All of a plan, with those of its modules."""
    yield from (one for one in module.get("resources", []) if one["mode"] == "managed")
    for child in module.get("child_modules", []):
        yield from resources(child)


def bill(environment: str, plan: dict[str, Any]) -> Bill:
    region = plan["variables"]["region"]["value"]
    return Bill(environment, region, list(resources(plan["planned_values"]["root_module"])))


def total(lines: list[Line]) -> Decimal:
    return sum((line.usd for line in lines), Decimal(0))


def table(lines: list[Line]) -> str:
    """Markdown, with the sum at the end."""
    rows = ["| what | how much | USD a month |", "|---|---|---:|"]
    rows += [f"| {line.what} | {line.how} | {line.usd:.2f} |" for line in lines]
    return "\n".join([*rows, f"| **in all** | | **{total(lines):.0f}** |"])


def added(before: list[Line], after: list[Line]) -> list[Line]:
    """What is in the second bill and not, or not so much, in the first."""
    had = {line.what: line.usd for line in before}
    more = [(line, line.usd - had.get(line.what, Decimal(0))) for line in after]
    return [Line(line.what, line.how, usd) for line, usd in more if usd > 0]


def replaced(page: str, name: str, text: str) -> str:
    """The page with another table between the two marks of that name."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    return re.sub(
        f"{begin}.*?{end}", lambda _: f"{begin}\n\n{text}\n\n{end}", page, flags=re.DOTALL
    )


def main() -> None:
    """Print the table of the plan on standard input."""
    print(table(bill(sys.argv[1], json.load(sys.stdin)).lines()))


if __name__ == "__main__":
    main()
