"""Puts the gateway together and runs it: `python -m app.main`. The only composition root."""

import asyncio
import logging
import resource
import socket
import sys
from uuid import uuid4

import uvloop
from pydantic import ValidationError

from app.apps import internal_app, public_app
from app.catalog.catalog import load_catalog, shipped_models
from app.catalog.registry import ModelRegistry
from app.core.ids import InstanceId
from app.core.tasks import DetachedTasks
from app.core.time import Clock
from app.database.notifications import follow_changes
from app.errors import UnknownModel
from app.formats.format import AnthropicFormat, OpenAIFormat
from app.gateway import Adapters, ChangeListener, Gateway, open_adapters
from app.identity.administrators import Administrators
from app.identity.authentication import Authenticator
from app.identity.budgets import Budgets
from app.identity.fields import Fields
from app.identity.keys import Keys
from app.identity.policy import Accounts
from app.identity.spending import SpendTotals
from app.identity.users import Users
from app.inference.admission import Admission
from app.inference.count_tokens import TokenCounter
from app.inference.estimates import OutputForecast
from app.inference.inference import Inference, Timing
from app.inference.intake import Intake
from app.inference.known_prompts import KnownPrompts
from app.ledger.recovery import Recovery
from app.ledger.settling import Settler
from app.services import Services
from app.settings import Settings
from app.spend.reports import OwnUsages, Reports
from app.spend.retention import Retention
from app.spend.rollup import DailyRollup
from app.telemetry.log import configure_logging
from app.upstream.routing import Router
from app.upstream.unsupported import UnsupportedParams
from app.web.connection import ConnectionTimeouts
from app.web.server import listen, serve

log = logging.getLogger("gateway")


def create_app(settings: Settings, *, adapters: Adapters, clock: Clock | None = None) -> Gateway:
    """A gateway on these adapters; nothing is opened here."""
    clock = clock or Clock()
    instance = InstanceId(str(uuid4()))
    catalog = load_catalog(
        region=settings.aws_region,
        profile=settings.bedrock_profile,
        aliases=settings.model_aliases,
    )
    for name in settings.default_user_models:
        catalog.resolve(name)
    offer = ModelRegistry(adapters.operator, catalog, shipped_models(), clock)
    accounts = Accounts(
        settings.global_budget,
        settings.timezone,
        {
            catalog.resolve(name).model.name: budget
            for name, budget in settings.budgets_of_models.items()
        },
    )
    background = DetachedTasks()
    settler = Settler(adapters.ledger, adapters.spool, background)
    authenticator = Authenticator(
        adapters.directory,
        master_key=settings.master_key.get_secret_value(),
        cache_seconds=settings.key_cache_ttl_seconds,
        unknown_keys_per_minute=settings.failed_auth_per_minute,
        clock=clock,
        contact=settings.support_contact,
    )
    intake = Intake(settings.max_bytes_in_flight, clock.monotonic)
    counter = TokenCounter(
        authenticator, catalog, intake, adapters.counter, at_once=settings.count_tokens_concurrency
    )
    admission = Admission(
        adapters.ledger,
        accounts,
        OutputForecast(),
        KnownPrompts(clock.monotonic),
        counter.tokens,
        instance=instance,
        clock=clock,
        contact=settings.support_contact,
    )
    attempts = Router(
        UnsupportedParams(clock.monotonic),
        clock,
        failover=settings.failover_profiles,
        watcher=adapters.telemetry,
        pause=asyncio.sleep,
    )
    inference = Inference(
        authenticator,
        catalog,
        intake,
        admission,
        settler,
        adapters.upstream,
        attempts,
        adapters.telemetry,
        background,
        clock=clock,
        timing=Timing(
            first_event_wait=settings.first_event_timeout_seconds,
            ping=settings.ping_interval_seconds,
            drain=settings.drain_timeout_seconds,
        ),
        guardrail=settings.guardrail_for_all,
        captures=settings.langfuse_public_key is not None and settings.langfuse_content != "off",
    )
    records, listing = adapters.records, adapters.listing
    fields, spendings = Fields(catalog, clock), SpendTotals(records, accounts, clock)
    keys = Keys(records, listing, fields, spendings, authenticator, clock)
    reports = Reports(adapters.history, records, accounts, clock)
    services = Services(
        inference=inference,
        administrators=Administrators(authenticator),
        users=Users(
            records,
            listing,
            keys,
            fields,
            spendings,
            authenticator,
            clock,
            settings.user_defaults,
        ),
        keys=keys,
        budgets=Budgets(adapters.templates, listing, fields, spendings, authenticator, clock),
        spendings=spendings,
        reports=reports,
        own_usages=OwnUsages(reports, clock.monotonic),
        audit=adapters.audit,
        authenticator=authenticator,
        counter=counter,
        catalog=catalog,
        offer=offer,
        health=adapters.health,
        telemetry=adapters.telemetry,
        anthropic=AnthropicFormat(),
        openai=OpenAIFormat(default_max_tokens=settings.default_max_tokens),
        clock=clock,
        max_body_bytes=settings.max_body_bytes,
    )
    adapters.telemetry.watch("gateway_requests_in_flight", lambda: len(admission.open_requests))
    adapters.telemetry.watch("gateway_body_bytes_in_flight", lambda: intake.bytes_in_flight)
    adapters.telemetry.watch("gateway_background_tasks", lambda: background.size)
    adapters.telemetry.watch("gateway_key_cache_entries", lambda: authenticator.remembered)
    janitor = Recovery(
        adapters.ledger,
        settler,
        adapters.telemetry,
        instance=instance,
        open_requests=admission.open_requests,
        clock=clock,
        instance_timeout_seconds=settings.instance_timeout_seconds,
    )
    adapters.telemetry.watch(
        "gateway_database_heartbeat_age_seconds", lambda: janitor.silence_seconds
    )
    return Gateway(
        public=public_app(
            services,
            proxies=settings.public_trusted_proxies,
            with_metrics=settings.metrics_on_public_port,
        ),
        internal=internal_app(services, proxies=settings.internal_trusted_proxies),
        changes=ChangeListener(authenticator, offer, background),
        janitor=janitor,
        upkeep=DailyRollup(
            adapters.upkeep,
            listing,
            accounts,
            adapters.telemetry,
            Retention(adapters.old_rows, audit_days=settings.audit_log_retention_days),
            clock,
            retention_days=settings.spend_log_retention_days,
        ),
        telemetry=adapters.telemetry,
        background=background,
    )


async def run(settings: Settings, public: socket.socket, internal: socket.socket) -> None:
    """Serve on both sockets until told to stop. Raises ValueError for settings that do not fit."""
    async with open_adapters(settings) as adapters:
        gateway = create_app(settings, adapters=adapters)
        following = asyncio.create_task(
            follow_changes(settings.database_url.get_secret_value(), gateway.changes, _not_heard)
        )
        async with gateway.running():
            where = {"public": public.getsockname(), "internal": internal.getsockname()}
            log.info("serving", extra=where)
            await serve(
                [(gateway.public, public), (gateway.internal, internal)],
                shutdown_seconds=settings.shutdown_seconds,
                patience=ConnectionTimeouts(
                    head=settings.header_timeout_seconds,
                    body=settings.body_timeout_seconds,
                    unread=settings.write_timeout_seconds,
                ),
            )
        following.cancel()
    log.info("stopped")


def _not_heard(error: Exception) -> None:
    log.warning("LISTEN connection lost; reconnecting", extra={"error": type(error).__name__})


def _listen(host: str, port: int, setting: str) -> socket.socket:
    try:
        return listen(host, port)
    except OSError as error:
        raise SystemExit(f"{host}:{port} ({setting}) cannot be listened on: {error}") from error


def main() -> None:
    """Run by the settings of the environment; exit code 2 if they are not complete."""
    try:
        settings = Settings()
    except ValidationError as error:
        sys.stderr.write("The settings do not fit (see docs/configuration.md):\n")
        for problem in error.errors(include_input=False, include_url=False):
            names = [Settings.variables(str(field))[0] for field in problem["loc"]]
            sys.stderr.write(f"  {' '.join([*names, problem['msg']])}\n")
        raise SystemExit(2) from None
    configure_logging(settings.log_level)
    # The memory holds keys and prompts: no file is to keep it.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    public = _listen(settings.host, settings.public_port, "GATEWAY_PUBLIC_PORT")
    internal = _listen(settings.host, settings.internal_port, "GATEWAY_INTERNAL_PORT")
    try:
        uvloop.run(run(settings, public, internal))
    except (ValueError, UnknownModel) as error:
        raise SystemExit(f"The settings do not fit: {error}") from error


if __name__ == "__main__":
    main()
