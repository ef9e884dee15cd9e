"""Opens the real adapters: PostgreSQL, Bedrock, the log. `app.main` puts the gateway on them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from app.bedrock.client import open_bedrock
from app.bedrock.credentials import CredentialSource
from app.ports import Adapters
from app.settings import Settings
from app.store.audit import PostgresAuditLog
from app.store.database import Database
from app.store.directory import PostgresDirectory
from app.store.ledger import PostgresLedger
from app.store.listing import PostgresListing
from app.store.operator import PostgresOperatorWords
from app.store.records import PostgresRecords
from app.store.retention import PostgresOldRows
from app.store.spending import PostgresSpending
from app.store.spool import FileSpool
from app.store.templates import PostgresTemplates
from app.telemetry.metrics import Metrics
from app.telemetry.telemetry import AllTelemetry, Traces

REPORT_SECONDS = 120


@asynccontextmanager
async def open_adapters(settings: Settings) -> AsyncIterator[Adapters]:
    """They are closed in the reverse order at the end."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(
            Database(
                settings.database_url.get_secret_value(),
                pool_size=settings.database_pool_size,
                timeout_seconds=settings.database_timeout_seconds,
            )
        )
        bedrock = await stack.enter_async_context(
            open_bedrock(
                endpoint=str(
                    settings.bedrock_endpoint
                    or f"https://bedrock-runtime.{settings.aws_region}.amazonaws.com"
                ),
                region=settings.aws_region,
                connect_timeout_seconds=settings.bedrock_connect_timeout_seconds,
                read_timeout_seconds=settings.bedrock_read_timeout_seconds,
                max_connections=settings.bedrock_max_connections,
                credentials=CredentialSource(),
            )
        )
        # Reports and upkeep may take long; they do not take connections from requests.
        patient = await stack.enter_async_context(
            Database(
                settings.database_url.get_secret_value(),
                pool_size=2,
                timeout_seconds=REPORT_SECONDS,
                kept_open=0,
            )
        )
        spool = FileSpool(settings.spool_dir, max_bytes=settings.spool_max_bytes)
        metrics = Metrics()
        telemetry = AllTelemetry(metrics, _traces(settings, metrics))
        stack.push_async_callback(telemetry.close)
        telemetry.watch("gateway_database_connections", database.connections)
        telemetry.watch("gateway_database_connections_used", database.connections_used)
        telemetry.watch("gateway_database_requests_waiting", database.requests_waiting)
        telemetry.watch("gateway_spool_settlements", lambda: spool.size)
        telemetry.watch("gateway_spool_bytes", lambda: spool.bytes)
        records, spending = PostgresRecords(database), PostgresSpending(patient)
        yield Adapters(
            directory=PostgresDirectory(database),
            records=records,
            listing=PostgresListing(database),
            templates=PostgresTemplates(database),
            audit=PostgresAuditLog(database),
            operator=PostgresOperatorWords(database),
            ledger=PostgresLedger(database),
            history=spending,
            upkeep=spending,
            old_rows=PostgresOldRows(patient),
            spool=spool,
            upstream=bedrock,
            counter=bedrock,
            telemetry=telemetry,
            health=database,
        )


def _traces(settings: Settings, metrics: Metrics) -> Traces | None:
    """Traces in Langfuse, if there are keys for it. Its SDK is loaded only then."""
    if settings.langfuse_public_key is None or settings.langfuse_secret_key is None:
        return None
    from app.telemetry.langfuse import LangfuseTraces, TraceOptions

    options = TraceOptions(
        public_key=settings.langfuse_public_key,
        secret_key=settings.langfuse_secret_key.get_secret_value(),
        base_url=str(settings.langfuse_base_url).rstrip("/"),
        environment=settings.langfuse_environment,
        release=settings.langfuse_release,
        rate=settings.langfuse_sample_rate,
        capture=settings.langfuse_content,
        chars=settings.langfuse_content_chars,
        mask=tuple(settings.langfuse_mask),
    )
    return LangfuseTraces(options, on_drop=metrics.trace_dropped)
