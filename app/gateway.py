"""Everything that lives as long as the process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from starlette.types import ASGIApp

from app.catalog.registry import ModelOverrideStore, ModelRegistry, PostgresModelOverrides
from app.core.ids import KeyHash
from app.core.tasks import DetachedTasks
from app.database.database import Database, Health
from app.errors import DatabaseUnavailable
from app.identity.audit import AuditLog, PostgresAuditLog
from app.identity.authentication import Authenticator
from app.identity.budgets import PostgresTemplates, Templates
from app.identity.key_lookup import KeyDirectory, PostgresDirectory
from app.identity.listing import Listing, PostgresListing
from app.identity.records import PostgresRecords, Records
from app.ledger.ledger import PostgresLedger
from app.ledger.record import Ledger
from app.ledger.recovery import Recovery
from app.ledger.settling import Spool
from app.ledger.spool import FileSpool
from app.settings import Settings
from app.spend.history import PostgresSpending
from app.spend.reports import SpendHistory
from app.spend.retention import OldRows, PostgresOldRows
from app.spend.rollup import DailyRollup, RollupStore
from app.telemetry.metrics import Metrics
from app.telemetry.sinks import Sinks, Telemetry, Traces
from app.upstream.aws import AwsCredentials
from app.upstream.bedrock import open_bedrock
from app.upstream.upstream import Upstream, UpstreamCounter


@dataclass(frozen=True, slots=True)
class Adapters:
    """The world outside, as the ports have it."""

    directory: KeyDirectory
    records: Records
    listing: Listing
    templates: Templates
    audit: AuditLog
    operator: ModelOverrideStore
    ledger: Ledger
    history: SpendHistory
    upkeep: RollupStore
    old_rows: OldRows
    spool: Spool
    upstream: Upstream
    counter: UpstreamCounter
    telemetry: Telemetry
    health: Health


@dataclass(frozen=True, slots=True)
class ChangeListener:
    """Forgets keys that changed, and reads the models again."""

    authenticator: Authenticator
    offer: ModelRegistry
    background: DetachedTasks

    def forget(self, key_hash: KeyHash) -> None:
        self.authenticator.forget(key_hash)

    def models_changed(self) -> None:
        self.background.start(self.offer.reload())

    def forget_keys(self) -> None:
        self.authenticator.forget_all()

    def heard_all(self, seconds_ago: float) -> None:
        self.authenticator.heard_all(seconds_ago)

    def forget_all(self) -> None:
        self.forget_keys()
        self.models_changed()


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
                credentials=AwsCredentials(),
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
        telemetry = Sinks(metrics, _traces(settings, metrics))
        stack.push_async_callback(telemetry.close)
        telemetry.watch("gateway_database_connections", database.connections)
        telemetry.watch("gateway_database_connections_used", database.connections_used)
        telemetry.watch("gateway_database_requests_waiting", database.requests_waiting)
        telemetry.watch("gateway_spool_records", lambda: spool.size)
        telemetry.watch("gateway_spool_bytes", lambda: spool.bytes)
        records, spending = PostgresRecords(database), PostgresSpending(patient)
        yield Adapters(
            directory=PostgresDirectory(database),
            records=records,
            listing=PostgresListing(database),
            templates=PostgresTemplates(database),
            audit=PostgresAuditLog(database),
            operator=PostgresModelOverrides(database),
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


@dataclass(frozen=True, slots=True)
class Gateway:
    """Both applications and the background work."""

    public: ASGIApp
    internal: ASGIApp
    changes: ChangeListener
    janitor: Recovery
    upkeep: DailyRollup
    telemetry: Telemetry
    background: DetachedTasks

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The janitor and the upkeep at work; at the end, every open bill is settled."""
        # No request is to be answered or priced by models that the operator has changed.
        await self.changes.offer.reload()
        with contextlib.suppress(DatabaseUnavailable):
            await self.janitor.round()
        chores = (self.janitor, self.upkeep, self.telemetry)
        rounds = [asyncio.create_task(chore.run()) for chore in chores]
        try:
            yield
        finally:
            for task in rounds:
                task.cancel()
            await self.background.finish()
            await self.janitor.leave()
