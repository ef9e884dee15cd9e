"""Values that AWS would have chosen: ids, ARNs, names of hosts. Made up, the same each time."""

import hashlib
from typing import Any, Final

from tests.infra.standin.schema import Block, attributes, nested
from tests.infra.standin.values import UNKNOWN, elements

ACCOUNT: Final = "123456789012"
ARNS: Final = {
    # What a policy or another resource reads out of an ARN has its real form.
    "aws_alb": "elasticloadbalancing:{region}:{account}:loadbalancer/app/{name}/{digest}",
    "aws_budgets_budget": "budgets::{account}:budget/{name}",
    "aws_cloudfront_distribution": "cloudfront::{account}:distribution/{digest}",
    "aws_cloudwatch_log_group": "logs:{region}:{account}:log-group:{name}",
    "aws_cloudwatch_metric_alarm": "cloudwatch:{region}:{account}:alarm:{name}",
    "aws_db_instance": "rds:{region}:{account}:db:{identifier}",
    "aws_ecr_repository": "ecr:{region}:{account}:repository/{name}",
    "aws_ecs_cluster": "ecs:{region}:{account}:cluster/{name}",
    "aws_ecs_service": "ecs:{region}:{account}:service/{name}",
    "aws_ecs_task_definition": "ecs:{region}:{account}:task-definition/{family}:1",
    "aws_efs_access_point": "elasticfilesystem:{region}:{account}:access-point/fsap-{digest}",
    "aws_efs_file_system": "elasticfilesystem:{region}:{account}:file-system/fs-{digest}",
    "aws_iam_openid_connect_provider": "iam::{account}:oidc-provider/{host}",
    "aws_iam_policy": "iam::{account}:policy/{name}",
    "aws_iam_role": "iam::{account}:role/{name}",
    "aws_kms_key": "kms:{region}:{account}:key/{digest}",
    "aws_lb": "elasticloadbalancing:{region}:{account}:loadbalancer/app/{name}/{digest}",
    "aws_lb_listener": "elasticloadbalancing:{region}:{account}:listener/app/{digest}",
    "aws_lb_target_group": "elasticloadbalancing:{region}:{account}:targetgroup/{name}/{digest}",
    "aws_s3_bucket": "s3:::{bucket}",
    "aws_s3_object": "s3:::{bucket}/{key}",
    "aws_secretsmanager_secret": "secretsmanager:{region}:{account}:secret:{name}-Ab3dEf",
    "aws_sns_topic": "sns:{region}:{account}:{name}",
    "aws_ssm_parameter": "ssm:{region}:{account}:parameter{name}",
    "aws_wafv2_web_acl": "wafv2:us-east-1:{account}:global/webacl/{name}/{digest}",
}
IDS: Final = {
    "aws_cloudwatch_log_group": "{name}",
    "aws_iam_instance_profile": "{name}",
    "aws_iam_role": "{name}",
    "aws_s3_bucket": "{bucket}",
}
IDS_THAT_ARE_ARNS: Final = {
    "aws_ecs_cluster",
    "aws_iam_openid_connect_provider",
    "aws_iam_policy",
    "aws_lb",
    "aws_lb_listener",
    "aws_lb_target_group",
    "aws_secretsmanager_secret",
    "aws_sns_topic",
}
HOSTS: Final = {
    ("aws_cloudfront_distribution", "domain_name"): "d{digest}.cloudfront.net",
    ("aws_lb", "dns_name"): "internal-{name}.{region}.elb.amazonaws.com",
    ("aws_db_instance", "address"): "{identifier}.{digest}.{region}.rds.amazonaws.com",
    ("aws_ecr_repository", "repository_url"): "{account}.dkr.ecr.{region}.amazonaws.com/{name}",
}


def digest(*parts: object) -> str:
    """Twelve digits that follow from the parts."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def fill(type_name: str, block: Block, value: dict[str, Any], region: str) -> None:
    """Replace all that is unknown in a planned resource."""
    seed = repr({name: one for name, one in value.items() if one is not UNKNOWN})
    facts = {name: one for name, one in value.items() if isinstance(one, str)}
    facts.setdefault("name", f"{type_name.removeprefix('aws_')}-{digest(seed)}")
    facts |= {"region": region, "account": ACCOUNT, "digest": digest(type_name, seed)}
    facts["host"] = str(facts.get("url", "")).removeprefix("https://")
    _fill(type_name, block, value, facts)


def _fill(type_name: str, block: Block, value: dict[str, Any], facts: dict[str, str]) -> None:
    for name, attribute in attributes(block).items():
        if value.get(name) is UNKNOWN:
            # What could have been configured, and was not, AWS leaves empty.
            kind = attribute["type"]
            if attribute.get("optional") and isinstance(kind, list) and kind[0] != "map":
                value[name] = []
            else:
                value[name] = _invented(type_name, name, kind, facts)
    for name, kind in nested(block).items():
        for number, child in enumerate(elements(value.get(name))):
            inner = {**facts, "digest": digest(facts["digest"], name, number)}
            _fill("", kind["block"], child, inner)


def _invented(type_name: str, name: str, kind: Any, facts: dict[str, str]) -> Any:
    if name == "arn" or (name == "id" and type_name in IDS_THAT_ARE_ARNS):
        service = type_name.split("_")[1]
        form = ARNS.get(type_name, f"{service}:{{region}}:{{account}}:{{digest}}")
        return "arn:aws:" + form.format_map(facts)
    if name == "id":
        form = IDS.get(type_name, f"{type_name.removeprefix('aws_')}-{{digest}}")
        return form.format_map(facts)
    if (type_name, name) in HOSTS:
        return HOSTS[type_name, name].format_map(facts)
    return empty(kind, f"{name}-{facts['digest']}", facts)


def empty(kind: Any, text: str, facts: dict[str, str]) -> Any:
    """A value of a type: as little as the type allows, and `text` for a string."""
    if isinstance(kind, str):
        return {"string": text, "number": 1, "bool": False}.get(kind)
    constructor, inner = kind[0], kind[1]
    if constructor == "object":
        return {name: _member(name, one, text, facts) for name, one in inner.items()}
    if constructor == "map":
        return {}
    return [empty(inner, text, facts)] if isinstance(inner, list) else []


def _member(name: str, kind: Any, text: str, facts: dict[str, str]) -> Any:
    if name == "secret_arn":
        form = "arn:aws:secretsmanager:{region}:{account}:secret:rds!db-{digest}-Ab3dEf"
        return form.format_map(facts)
    return empty(kind, f"{text}-{name}", facts)
