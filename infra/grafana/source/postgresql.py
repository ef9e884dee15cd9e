"""The database: as the gateway meets it, and as RDS sees it (CloudWatch)."""

from infra.grafana.source.infrastructure import dimension
from infra.grafana.source.page import Dashboard, Row, Variable
from infra.grafana.source.panels import CloudWatch, Panel, Query

DATABASE = {"DBInstanceIdentifier": "$database"}


def rds(title: str, description: str, unit: str, *metrics: tuple[str, str]) -> Panel:
    return Panel(
        title,
        description,
        unit,
        [CloudWatch("AWS/RDS", metric, DATABASE, "Average", label) for metric, label in metrics],
    )


GATEWAY = Row(
    "As the gateway meets it",
    [
        Panel("Connections", "Of each task's pool that run a statement, and the pool's size.",
              "short",
              [Query("gateway_database_connections_used", "{{instance}} at work"),
               Query("gateway_database_connections", "{{instance}} open")]),
        Panel("Waiting", "Statements without a connection.", "short",
              [Query("gateway_database_requests_waiting", "{{instance}}")]),
        Panel("Refused for it", "Requests a second that got a 503.", "reqps",
              [Query('sum(rate(gateway_rejections_total{error="database_unavailable"}'
                     "[$__rate_interval])) or vector(0)", "refused")]),
        Panel("On disk", "Settlements that wait for the database, and their bytes.", "short",
              [Query("sum(gateway_spool_records)", "settlements"),
               Query("sum(gateway_spool_bytes)", "bytes")]),
    ],
)  # fmt: skip

LOAD = Row(
    "Load (CloudWatch)",
    [
        rds("CPU", "Of the instance.", "percent", ("CPUUtilization", "CPU")),
        rds("CPU credits", "Of burstable classes: at 0 the CPU is slowed down.", "short",
            ("CPUCreditBalance", "credits")),
        rds("Connections", "Langfuse's among them.", "short", ("DatabaseConnections", "open")),
        rds("Memory", "That is free, and swap in use.", "bytes",
            ("FreeableMemory", "free"), ("SwapUsage", "swap")),
    ],
)  # fmt: skip

DISK = Row(
    "Disk (CloudWatch)",
    [
        rds("Free storage", "It grows by itself up to the maximum of storage_gb.", "bytes",
            ("FreeStorageSpace", "free")),
        rds("Latency", "Of one read or write: a commit waits for a write.", "s",
            ("ReadLatency", "read"), ("WriteLatency", "write")),
        rds("Operations", "A second.", "iops", ("ReadIOPS", "read"), ("WriteIOPS", "write")),
        rds("Log and transaction ids", "Write-ahead log on disk, in bytes; ids used of 2 billion.",
            "short", ("TransactionLogsDiskUsage", "write-ahead log"),
            ("MaximumUsedTransactionIDs", "transaction ids")),
    ],
)  # fmt: skip

POSTGRESQL = Dashboard(
    uid="postgresql",
    title="PostgreSQL",
    description="The database as the gateway meets it, and as RDS sees it.",
    cloudwatch=True,
    variables=[
        Variable("database", "Database",
                 dimension("AWS/RDS", "CPUUtilization", "DBInstanceIdentifier"), many=False),
    ],
    rows=[GATEWAY, LOAD, DISK],
)  # fmt: skip
