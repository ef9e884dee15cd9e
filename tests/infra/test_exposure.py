"""Who can reach what: read off the resources of each environment as they are after the apply."""

import ipaddress
import json
from pathlib import Path

from tests.infra.support.deployment import Deployment, Resource

FACTS = json.loads(
    (Path(__file__).parents[2] / "infra/terraform/modules/platform/services.json").read_text()
)
ANYWHERE = ("0.0.0.0/0", "::/0")
INGRESS, EGRESS = "aws_vpc_security_group_ingress_rule", "aws_vpc_security_group_egress_rule"


def group_names(environment: Deployment) -> dict[str, str]:
    return {one["id"]: one["name"] for one in environment.all("aws_security_group")}


def doors(environment: Deployment, kind: str) -> set[tuple[str, str, int]]:
    """Who, whom, port: of the rules between two security groups."""
    names = group_names(environment)
    return {
        (
            names[one["referenced_security_group_id"]],
            names[one["security_group_id"]],
            one["to_port"],
        )
        for one in environment.all(kind)
        if one["referenced_security_group_id"]
    }


def test_nothing_is_let_in_from_anywhere(environment: Deployment) -> None:
    for rule in environment.all(INGRESS):
        assert rule["cidr_ipv4"] not in ANYWHERE, rule.address
        assert not rule["cidr_ipv6"], rule.address


def test_rules_stand_for_themselves(environment: Deployment) -> None:
    for group in environment.all("aws_security_group", "aws_default_security_group"):
        assert not group.values.get("ingress"), group.address
        assert not group.values.get("egress"), group.address
    assert environment.all("aws_security_group_rule") == []


def test_only_https_goes_out_to_anywhere(environment: Deployment) -> None:
    for rule in environment.all(EGRESS):
        if rule["cidr_ipv4"] in ANYWHERE:
            assert (rule["from_port"], rule["to_port"]) == (443, 443), rule.address


def test_the_load_balancer_is_internal_and_in_private_subnets(environment: Deployment) -> None:
    balancer = environment.only("aws_lb")
    private = {one["id"] for one in environment.all("aws_subnet") if "private" in one.address}

    assert balancer["internal"]
    assert set(balancer["subnets"]) == private


def test_the_edge_listener_is_for_cloudfront_alone(environment: Deployment) -> None:
    listener = environment.only("aws_lb_listener", ".edge")
    rules = [one for one in to_load_balancer(environment) if one["to_port"] == listener["port"]]

    assert [one["prefix_list_id"] is not None for one in rules] == [True]


def test_the_internal_listener_is_for_addresses_of_the_network(environment: Deployment) -> None:
    listener = environment.only("aws_lb_listener", ".internal")
    rules = [one for one in to_load_balancer(environment) if one["to_port"] == listener["port"]]

    assert rules
    for rule in rules:
        assert ipaddress.ip_network(rule["cidr_ipv4"]).is_private, rule.address


def to_load_balancer(environment: Deployment) -> list[Resource]:
    group = environment.only("aws_security_group", ".load_balancer")
    return [one for one in environment.all(INGRESS) if one["security_group_id"] == group["id"]]


def test_only_the_way_out_has_a_public_address(environment: Deployment) -> None:
    assert all(".nat_" in one.address for one in environment.all("aws_eip"))
    assert all(not one["map_public_ip_on_launch"] for one in environment.all("aws_subnet"))
    assert all(not one["publicly_accessible"] for one in environment.all("aws_db_instance"))
    for service in environment.all("aws_ecs_service"):
        assert service["network_configuration"][0]["assign_public_ip"] is False, service.address


def test_the_nat_instance_forwards_https_and_nothing_else(poc: Deployment) -> None:
    group = poc.only("aws_security_group", '.nat["a"]')
    into = [one for one in poc.all(INGRESS) if one["security_group_id"] == group["id"]]

    assert [(one["cidr_ipv4"], one["to_port"]) for one in into] == [("10.10.0.0/16", 443)]
    template = poc.only("aws_launch_template")
    assert template["metadata_options"][0]["http_tokens"] == "required"
    assert poc.only("aws_network_interface")["source_dest_check"] is False


def test_services_reach_their_named_neighbours_and_nobody_else(environment: Deployment) -> None:
    prefix = f"stargate-{environment.name}"
    present = set(environment.outputs["operations"]["services"])
    expected = {
        (f"{prefix}-{caller}", f"{prefix}-{callee}", FACTS[callee]["ports"][port])
        for caller in present
        for callee, ports in FACTS[caller].get("calls", {}).items()
        if callee in present
        for port in ports
    }
    for caller in present:
        if FACTS[caller].get("uses_database"):
            expected.add((f"{prefix}-{caller}", f"{prefix}-database", 5432))
        if "volume_path" in FACTS[caller]:
            expected.add((f"{prefix}-{caller}", f"{prefix}-file-system", 2049))
        for port in FACTS[caller].get("routes", {}):
            number = FACTS[caller]["ports"][port]
            expected.add((f"{prefix}-load-balancer", f"{prefix}-{caller}", number))

    assert doors(environment, INGRESS) == expected


def test_what_is_let_out_to_a_neighbour_is_let_in_there(environment: Deployment) -> None:
    outgoing = {(whom, who, port) for who, whom, port in doors(environment, EGRESS)}

    assert outgoing == doors(environment, INGRESS)


def test_only_services_that_use_it_reach_the_database(poc: Deployment) -> None:
    clients = {who for who, whom, _ in doors(poc, INGRESS) if whom == "stargate-poc-database"}

    assert clients == {
        "stargate-poc-database-setup",
        "stargate-poc-gateway",
        "stargate-poc-gateway-migrate",
    }


def test_cloudfront_comes_through_the_vpc_origin_alone(environment: Deployment) -> None:
    distribution = environment.only("aws_cloudfront_distribution")

    for origin in distribution["origin"]:
        assert origin["vpc_origin_config"][0]["vpc_origin_id"]
        assert origin["custom_origin_config"] == []
        assert origin["s3_origin_config"] == []


def test_metrics_and_administration_have_no_public_route(environment: Deployment) -> None:
    internal = environment.only("aws_lb_target_group", '["gateway-internal"]')
    forwarded = {one["action"][0]["target_group_arn"] for one in listener_rules(environment)}
    paths = {
        path
        for rule in listener_rules(environment)
        if rule["action"][0]["type"] == "forward"
        for condition in rule["condition"]
        for path in condition["path_pattern"][0]["values"]
    }

    assert internal["arn"] not in forwarded
    assert paths <= {
        *("/v1/*", "/bedrock/*", "/health/*", "/api/hello"),
        *("/grafana", "/grafana/*", "/langfuse", "/langfuse/*"),
    }


def listener_rules(environment: Deployment) -> list[Resource]:
    edge = environment.only("aws_lb_listener", ".edge")
    rules = environment.all("aws_lb_listener_rule")
    assert {one["listener_arn"] for one in rules} == {edge["arn"]}
    return rules


def test_everything_else_gets_a_403_as_json(environment: Deployment) -> None:
    answer = environment.only("aws_lb_listener", ".edge")["default_action"][0]["fixed_response"][0]

    assert (answer["status_code"], answer["content_type"]) == ("403", "application/json")
    assert json.loads(answer["message_body"])["error"]["type"] == "permission_error"


def test_every_behaviour_passes_the_function_and_caches_nothing(environment: Deployment) -> None:
    distribution = environment.only("aws_cloudfront_distribution")
    function = environment.only("aws_cloudfront_function")
    behaviours = [
        *distribution["default_cache_behavior"],
        *distribution["ordered_cache_behavior"],
    ]

    assert len(behaviours) > 5
    assert function["publish"] is True
    for one in behaviours:
        associated = [(a["event_type"], a["function_arn"]) for a in one["function_association"]]
        assert associated == [("viewer-request", function["arn"])]
        assert one["viewer_protocol_policy"] in ("https-only", "redirect-to-https")
        assert one["cache_policy_id"] == behaviours[0]["cache_policy_id"]


def test_an_own_domain_asks_for_tls_1_2_on_both_sides(prod: Deployment) -> None:
    certificate = prod.only("aws_cloudfront_distribution")["viewer_certificate"][0]

    assert certificate["minimum_protocol_version"] == "TLSv1.2_2021"
    assert {one["protocol"] for one in prod.all("aws_lb_listener")} == {"HTTPS"}
    assert all("TLS13-1-2" in one["ssl_policy"] for one in prod.all("aws_lb_listener"))


def test_prod_does_not_depend_on_one_zone(prod: Deployment) -> None:
    assert len(prod.all("aws_nat_gateway")) == 2
    assert prod.only("aws_db_instance")["multi_az"] is True
    assert prod.service("aws_appautoscaling_target", "gateway")[0]["min_capacity"] >= 2
