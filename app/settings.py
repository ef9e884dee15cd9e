"""The gateway's settings: the only reader of the environment."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AliasChoices,
    AnyHttpUrl,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.core.budgets import Budget, Increase, window_at
from app.core.guardrail import Guardrail

SHORTEST_AUDIT_DAYS = 90
"""The database refuses to delete younger entries, too."""


class ModelBudget(BaseModel):
    """A cap in USD and its window, by LiteLLM's names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    budget_limit: Annotated[Decimal, Field(ge=0)]
    time_period: str | None = None


class Settings(BaseSettings):
    """Values come from the environment, `GATEWAY_` in front of the upper-case name, or from the
    two names that everybody knows, `DATABASE_URL` and `AWS_REGION`."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_", frozen=True, populate_by_name=True)

    host: str = Field("127.0.0.1", description="Address that both ports are bound to.")
    public_port: int = Field(4000, ge=0, le=65535, description="Inference, models and health.")
    internal_port: int = Field(
        4001, ge=0, le=65535, description="The same, and administration; never publish it."
    )
    public_trusted_proxies: int = Field(
        0,
        ge=0,
        le=10,
        description="Proxies in front of the public port, each of which adds the address it sees "
        "to `X-Forwarded-For`: CloudFront and a load balancer are 2. What a client put there "
        "itself is not believed.",
    )
    internal_trusted_proxies: int = Field(
        0, ge=0, le=10, description="The same in front of the internal port."
    )
    database_url: SecretStr = Field(
        validation_alias=AliasChoices("database_url", "DATABASE_URL"),
        description="PostgreSQL: `postgresql://user:password@host:port/name`.",
    )
    database_pool_size: int = Field(
        10,
        ge=2,
        le=200,
        description="Connections per process, in addition to three that all requests share.",
    )
    database_timeout_seconds: float = Field(
        5, gt=0, description="How long a request waits for the database before it gets a 503."
    )
    master_key: SecretStr = Field(
        min_length=16, description="The key that may administer; at least 16 characters."
    )
    aws_region: str = Field(
        "us-east-1",
        validation_alias=AliasChoices("aws_region", "AWS_REGION", "AWS_DEFAULT_REGION"),
        description="Region whose Bedrock is called.",
    )
    bedrock_endpoint: AnyHttpUrl | None = Field(
        None, description="Another address for Bedrock: the emulator's, or a VPC endpoint's."
    )
    bedrock_profile: str | None = Field(
        None,
        description="Inference profile to prefer (`us`, `eu`, `global`…); "
        "unset, the one of the region.",
    )
    model_aliases: dict[str, str] = Field(
        {},
        description="Names of your own for models, as JSON; a `*` matches anything: "
        '`{"team-fast": "claude-haiku-4-5", "claude-opus-*": "claude-opus-5-5"}`.',
    )
    bedrock_failover: str = Field(
        "",
        pattern="^[a-z, -]*$",
        description="Profiles to ask when the preferred one is full or down, in this order, as "
        "`global, eu`; empty for none, as another profile may compute in other regions.",
    )
    guardrail: str | None = Field(
        None,
        description="Bedrock guardrail for all calls, as `<id>:<version>`; "
        "a user's or a key's own goes before it.",
    )
    bedrock_connect_timeout_seconds: float = Field(5, gt=0, description="To open a connection.")
    bedrock_read_timeout_seconds: float = Field(
        300, gt=0, description="Longest silence of Bedrock within a call."
    )
    bedrock_max_connections: int = Field(1000, ge=1, description="Calls to Bedrock at one time.")
    count_tokens_concurrency: int = Field(
        8, ge=1, description="Token counts that are asked of Bedrock at one time; others wait."
    )
    first_event_timeout_seconds: float = Field(
        10, ge=0, description="How long a stream's status waits for Bedrock's first event."
    )
    ping_interval_seconds: float = Field(
        10, gt=0, description="Silence after which a stream sends a ping."
    )
    drain_timeout_seconds: float = Field(
        60,
        ge=0,
        description="How long a stream is read after its client disconnected, for the exact bill.",
    )
    max_body_bytes: int = Field(
        20_000_000, ge=1, description="Largest request body; Bedrock takes no more than 20 MB."
    )
    max_bytes_in_flight: int = Field(
        320_000_000,
        ge=1,
        description="Bytes of request bodies that are processed at one time; one caller may have "
        "a quarter of them. Others wait. The process needs about 2.5 times as much memory.",
    )
    header_timeout_seconds: float = Field(
        20, gt=0, description="How long a client may take to send the head of a request."
    )
    body_timeout_seconds: float = Field(
        30,
        gt=0,
        description="How long it may take to send the body; longer if 16 KB come every second.",
    )
    write_timeout_seconds: float = Field(
        60, gt=0, description="How long a client may leave an answer unread before it is cut off."
    )
    default_max_tokens: int = Field(
        4096,
        ge=1,
        description="`max_tokens` of a chat completion that names none; thinking comes on top.",
    )
    global_max_budget: Decimal | None = Field(
        None, ge=0, description="Cap in USD foreverybody together; unset, none."
    )
    global_budget_duration: str | None = Field(
        None, description="Window of that cap, as `1d`, `1w`, `1mo`…; unset, forever."
    )
    global_soft_budget: Decimal | None = Field(
        None, ge=0, description="USD of everybody together past which there are warnings."
    )
    global_budget_increase: Decimal | None = Field(
        None, ge=0, description="USD on top of that cap for a while."
    )
    global_budget_increase_until: AwareDatetime | None = Field(
        None, description="Until then, as `2026-12-24T18:00:00Z`."
    )
    global_model_budgets: dict[str, ModelBudget] = Field(
        {},
        description="Caps foreverybody together with one model, as JSON: "
        '`{"claude-opus-5-5": {"budget_limit": 500, "time_period": "1mo"}}`.',
    )
    default_user_max_budget: Literal["none"] | Annotated[Decimal, Field(ge=0)] = Field(
        Decimal(100),
        description="USD that a user may spend who is created without `max_budget` and "
        "`budget_id`; `none` for no limit. With `max_budget: null` a user has no limit either way.",
    )
    default_user_budget_duration: str | None = Field(
        "1mo", description="Window of that budget, as `1d`, `1w`, `1mo`…"
    )
    default_user_models: list[str] = Field(
        [],
        description="Models of a user who is created without `models`, as a JSON list; "
        "empty for all models.",
    )
    budget_timezone: str = Field("UTC", description="Zone whose midnight starts budget windows.")
    spend_log_retention_days: int = Field(
        90,
        ge=7,
        le=36_500,
        description="Days that single requests stay in the spend log; their sums by day, key, "
        "user and model stay forever, those by session and tag for 400 days.",
    )
    audit_log_retention_days: int = Field(
        400,
        ge=0,
        le=36_500,
        description="Days that changes stay in the audit log, 90 or more; 0 forever.",
    )
    key_cache_ttl_seconds: float = Field(
        5, ge=0, description="Longest time that a change of a key can go unseen."
    )
    failed_auth_per_minute: int = Field(
        60,
        ge=0,
        description="Unknown keys that one address (a /64 network of IPv6) may send per minute "
        "before it gets 429; its valid keys keep working. 0: no limit.",
    )
    instance_timeout_seconds: float = Field(
        15,
        gt=0,
        description="Time without a heartbeat after which others settle a process's requests.",
    )
    spool_dir: Annotated[
        Path,
        Field(description="Directory of the spool, for settlements during database outages."),
    ]
    spool_max_bytes: int = Field(64_000_000, ge=0, description="Bound of the spool, in bytes.")
    shutdown_seconds: float = Field(
        25, ge=0, description="How long open answers may go on after SIGTERM."
    )
    metrics_on_public_port: bool = Field(
        False,
        description="Offer `/metrics` on the public port too, to administrators' keys; "
        "it is always open on the internal one.",
    )
    support_contact: str | None = Field(
        None, description="Contact for questions about keys and budgets; shown in errors."
    )
    langfuse_public_key: str | None = Field(
        None,
        validation_alias=AliasChoices("langfuse_public_key", "LANGFUSE_PUBLIC_KEY"),
        description="With the secret key: each call becomes a trace in [Langfuse](langfuse.md).",
    )
    langfuse_secret_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("langfuse_secret_key", "LANGFUSE_SECRET_KEY"),
        description="Langfuse's secret key.",
    )
    langfuse_base_url: AnyHttpUrl = Field(
        AnyHttpUrl("https://cloud.langfuse.com"),
        validation_alias=AliasChoices("langfuse_base_url", "LANGFUSE_BASE_URL", "LANGFUSE_HOST"),
        description="Where Langfuse is.",
    )
    langfuse_environment: str = Field(
        "default",
        pattern="^[a-z0-9_-]{1,40}$",
        validation_alias=AliasChoices("langfuse_environment", "LANGFUSE_TRACING_ENVIRONMENT"),
        description="Environment of the traces.",
    )
    langfuse_release: str | None = Field(
        None,
        validation_alias=AliasChoices("langfuse_release", "LANGFUSE_RELEASE"),
        description="Release that the traces are of.",
    )
    langfuse_sample_rate: float = Field(
        1,
        ge=0,
        le=1,
        validation_alias=AliasChoices("langfuse_sample_rate", "LANGFUSE_SAMPLE_RATE"),
        description="Share of the calls that are traced.",
    )
    langfuse_content: Literal["off", "truncated", "full"] = Field(
        "off",
        description="Whether traces hold prompts and answers: not at all, their first "
        "`GATEWAY_LANGFUSE_CONTENT_CHARS` characters, or whole (up to 100,000 characters each).",
    )
    langfuse_content_chars: int = Field(
        2000, ge=1, le=100_000, description="Characters of a truncated prompt or answer."
    )
    langfuse_mask: list[str] = Field(
        [],
        description="Patterns (regular expressions, as a JSON list) of what traces must not hold, "
        "in addition to keys and credentials.",
    )
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="JSON log.")

    @classmethod
    def variables(cls, name: str) -> tuple[str, ...]:
        """The environment variables that a setting is read from, the usual one first."""
        alias = cls.model_fields[name].validation_alias
        known = tuple(str(c) for c in getattr(alias, "choices", ()) if str(c).isupper())
        return known or (f"GATEWAY_{name.upper()}",)

    @field_validator("guardrail")
    @classmethod
    def _guardrail_can_be_read(cls, value: str | None) -> str | None:
        return value if value is None else str(Guardrail.parse(value))

    @field_validator("langfuse_mask")
    @classmethod
    def _patterns_can_be_compiled(cls, value: list[str]) -> list[str]:
        for pattern in value:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
        return value

    @field_validator("audit_log_retention_days")
    @classmethod
    def _changes_are_kept_for_a_while(cls, value: int) -> int:
        if 0 < value < SHORTEST_AUDIT_DAYS:
            raise ValueError(f"the audit log is kept for {SHORTEST_AUDIT_DAYS} days or more")
        return value

    @model_validator(mode="after")
    def _an_increase_has_an_end(self) -> Self:
        if (self.global_budget_increase is None) != (self.global_budget_increase_until is None):
            raise ValueError("GATEWAY_GLOBAL_BUDGET_INCREASE and …_UNTIL go together")
        return self

    @model_validator(mode="after")
    def _langfuse_has_both_keys(self) -> Self:
        if (self.langfuse_public_key is None) != (self.langfuse_secret_key is None):
            raise ValueError("LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY go together")
        return self

    @model_validator(mode="after")
    def _windows_can_be_computed(self) -> Self:
        try:
            zone = self.timezone
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"no time zone is called {self.budget_timezone!r}") from error
        of_users = Budget(None, self.default_user_budget_duration)
        for budget in (self.global_budget, of_users, *self.budgets_of_models.values()):
            window_at(budget.duration, datetime.now(UTC), zone)
        return self

    @property
    def global_budget(self) -> Budget:
        amount, until = self.global_budget_increase, self.global_budget_increase_until
        return Budget(
            self.global_max_budget,
            self.global_budget_duration,
            self.global_soft_budget,
            Increase(amount, until) if amount is not None and until is not None else None,
        )

    @property
    def user_defaults(self) -> dict[str, Any]:
        """Fields of users who are created without them, by LiteLLM's names."""
        fields: dict[str, Any] = {}
        if self.default_user_max_budget != "none":
            fields["max_budget"] = self.default_user_max_budget
            fields["budget_duration"] = self.default_user_budget_duration
        if self.default_user_models:
            fields["models"] = self.default_user_models
        return fields

    @property
    def budgets_of_models(self) -> dict[str, Budget]:
        """Of everybody together, by the names in the setting."""
        return {
            name: Budget(budget.budget_limit, budget.time_period)
            for name, budget in self.global_model_budgets.items()
        }

    @property
    def failover_profiles(self) -> tuple[str, ...]:
        return tuple(name.strip() for name in self.bedrock_failover.split(",") if name.strip())

    @property
    def guardrail_for_all(self) -> Guardrail | None:
        return Guardrail.parse(self.guardrail) if self.guardrail is not None else None

    @property
    def timezone(self) -> ZoneInfo:
        return ZoneInfo(self.budget_timezone)
