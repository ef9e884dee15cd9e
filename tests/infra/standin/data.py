"""Answers of data sources: those that need no AWS are real, the others are made up."""

import hashlib
import json
from typing import Any

from tests.infra.standin.inventing import ACCOUNT, digest, empty
from tests.infra.standin.schema import Block, attributes

ZONES = {"us-west-1": "ac", "us-east-1": "abcdef"}


def answer(type_name: str, block: Block, config: dict[str, Any], region: str) -> dict[str, Any]:
    """The configuration, completed."""
    region = config.get("region") or region
    known = _known(type_name, config, region)
    facts = {"region": region, "account": ACCOUNT, "digest": digest(type_name, repr(config))}
    for name, attribute in attributes(block).items():
        if config.get(name) is None and attribute.get("computed"):
            text = f"{name}-{facts['digest']}"
            config[name] = known.get(name, empty(attribute["type"], text, facts))
    return config


def _known(type_name: str, config: dict[str, Any], region: str) -> dict[str, Any]:
    if type_name == "aws_iam_policy_document":
        return _policy(config)
    if type_name == "aws_availability_zones":
        return {"names": [region + zone for zone in ZONES.get(region, "abc")], "id": region}
    return {
        "aws_caller_identity": {"account_id": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root"},
        "aws_region": {"region": region, "name": region, "id": region},
        "aws_partition": {"partition": "aws", "dns_suffix": "amazonaws.com", "id": "aws"},
    }.get(type_name, {})


def _policy(config: dict[str, Any]) -> dict[str, Any]:
    """The policy document as the provider writes it: this needs no AWS at all."""
    document = {
        "Version": config.get("version") or "2012-10-17",
        "Statement": [_statement(one) for one in config.get("statement") or []],
    }
    text = json.dumps(document, indent=2)
    return {
        "json": text,
        "minified_json": json.dumps(document, separators=(",", ":")),
        "id": str(int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)),
    }


def _statement(config: dict[str, Any]) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": config["sid"]} if config.get("sid") else {}
    statement["Effect"] = config.get("effect") or "Allow"
    for theirs, ours in (
        ("Action", "actions"),
        ("NotAction", "not_actions"),
        ("Resource", "resources"),
        ("NotResource", "not_resources"),
    ):
        if config.get(ours):
            statement[theirs] = _one_or_many(config[ours])
    for theirs, ours in (("Principal", "principals"), ("NotPrincipal", "not_principals")):
        if config.get(ours):
            named = {one["type"]: _one_or_many(one["identifiers"]) for one in config[ours]}
            statement[theirs] = "*" if named == {"*": "*"} else named
    for condition in config.get("condition") or []:
        tests = statement.setdefault("Condition", {}).setdefault(condition["test"], {})
        tests[condition["variable"]] = _one_or_many(condition["values"])
    return statement


def _one_or_many(values: list[str]) -> Any:
    return values[0] if len(values) == 1 else sorted(values)
