"""What the gateway stands on. Metrics of AWS's services come from CloudWatch, with the rights of
Grafana's task; on one's own machine those panels stay empty."""

from infra.grafana.source.page import Dashboard, Row, Variable
from infra.grafana.source.panels import CloudWatch, Json, Panel, Query

INTERVAL = "[$__rate_interval]"
SERVICES = {"ClusterName": "$cluster", "ServiceName": "*"}
BALANCER = {"LoadBalancer": "$balancer"}
EDGE = {"DistributionId": "$distribution", "Region": "Global"}
SERVICE = "${PROP('Dim.ServiceName')}"


def dimension(namespace: str, metric: str, key: str, region: str = "default") -> Json:
    return {
        "queryType": "dimensionValues",
        "refId": key,
        "region": region,
        "namespace": namespace,
        "metricName": metric,
        "dimensionKey": key,
        "dimensionFilters": {},
    }


def edge(metric: str, statistic: str, label: str) -> CloudWatch:
    return CloudWatch("AWS/CloudFront", metric, EDGE, statistic, label, global_=True)


SCRAPED = Row(
    "What is scraped",
    [
        Panel("Targets", "1 where a task answers.", "short",
              [Query("min by (job, instance) (up)", "{{job}} {{instance}}")], most=1),
        Panel("Memory", "Resident.", "bytes",
              [Query("process_resident_memory_bytes", "{{job}} {{instance}}")]),
        Panel("CPU", "Cores.", "short",
              [Query(f"rate(process_cpu_seconds_total{INTERVAL})", "{{job}} {{instance}}")]),
    ],
)  # fmt: skip

MONITORING = Row(
    "VictoriaMetrics and alerts",
    [
        Panel("Samples", "Stored in a second.", "short",
              [Query(f"sum by (type) (rate(vm_rows_inserted_total{INTERVAL})) > 0", "{{type}}")]),
        Panel("Free disk", "Of VictoriaMetrics.", "bytes",
              [Query("min by (instance) (vm_free_disk_space_bytes)", "{{instance}}")]),
        Panel("Alerts", "That fire, or would if it goes on.", "short",
              [Query("count by (alertname, alertstate) (ALERTS)", "{{alertname}} {{alertstate}}")]),
        Panel("Messages that failed", "A second, by the way they went.", "ops",
              [Query("sum by (integration) (rate(alertmanager_notifications_failed_total"
                     f"{INTERVAL}))", "{{integration}}")]),
    ],
)  # fmt: skip

ECS = Row(
    "ECS services, Langfuse's among them (CloudWatch)",
    [
        Panel("CPU", "Share of what a service's tasks have.", "percent",
              [CloudWatch("AWS/ECS", "CPUUtilization", SERVICES, "Average", SERVICE)], most=100),
        Panel("Memory", "Share of what a service's tasks have.", "percent",
              [CloudWatch("AWS/ECS", "MemoryUtilization", SERVICES, "Maximum", SERVICE)], most=100),
    ],
)  # fmt: skip

DOORS = Row(
    "CloudFront and load balancer (CloudWatch)",
    [
        Panel("Requests", "A minute.", "short",
              [edge("Requests", "Sum", "CloudFront"),
               CloudWatch("AWS/ApplicationELB", "RequestCount", BALANCER, "Sum", "load balancer")]),
        Panel("Errors of CloudFront", "Share of requests.", "percent",
              [edge("4xxErrorRate", "Average", "4xx"), edge("5xxErrorRate", "Average", "5xx")]),
        Panel("Errors of the load balancer", "A minute; ELB: no task took the request.", "short",
              [CloudWatch("AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", BALANCER, "Sum", "ELB"),
               CloudWatch("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", BALANCER, "Sum",
                          "tasks")]),
        Panel("Time to the first byte", "From load balancer to a task's answer.", "s",
              [CloudWatch("AWS/ApplicationELB", "TargetResponseTime", BALANCER, "p95", "p95"),
               CloudWatch("AWS/ApplicationELB", "TargetResponseTime", BALANCER, "p50", "p50")]),
    ],
)  # fmt: skip

NAT = Row(
    "The way out (CloudWatch)",
    [
        Panel("NAT instance, CPU", "Where the environment has an instance.", "percent",
              [CloudWatch("AWS/EC2", "CPUUtilization", {"InstanceId": "$nat"}, "Average",
                          "${PROP('Dim.InstanceId')}")], most=100),
        Panel("NAT instance, traffic", "Bytes a period.", "bytes",
              [CloudWatch("AWS/EC2", "NetworkOut", {"InstanceId": "$nat"}, "Sum", "out"),
               CloudWatch("AWS/EC2", "NetworkIn", {"InstanceId": "$nat"}, "Sum", "in")]),
        Panel("NAT gateway, traffic", "Where the environment has gateways: bytes a period.",
              "bytes",
              [CloudWatch("AWS/NATGateway", "BytesOutToDestination", {"NatGatewayId": "*"}, "Sum",
                          "${PROP('Dim.NatGatewayId')}")]),
        Panel("NAT gateway, no port left", "Connections that could not be opened.", "short",
              [CloudWatch("AWS/NATGateway", "ErrorPortAllocation", {"NatGatewayId": "*"}, "Sum",
                          "${PROP('Dim.NatGatewayId')}")]),
    ],
)  # fmt: skip

INFRASTRUCTURE = Dashboard(
    uid="infrastructure",
    title="Infrastructure",
    description="ECS (Langfuse's services too), load balancer, CloudFront, NAT, monitoring.",
    cloudwatch=True,
    variables=[
        Variable("cluster", "Cluster",
                 dimension("AWS/ECS", "CPUUtilization", "ClusterName"), many=False),
        Variable("balancer", "Load balancer",
                 dimension("AWS/ApplicationELB", "RequestCount", "LoadBalancer"), many=False),
        Variable("distribution", "Distribution",
                 dimension("AWS/CloudFront", "Requests", "DistributionId", "us-east-1"),
                 many=False),
        Variable("nat", "NAT instance",
                 dimension("AWS/EC2", "CPUUtilization", "InstanceId"), many=False),
    ],
    rows=[SCRAPED, MONITORING, ECS, DOORS, NAT],
)  # fmt: skip
