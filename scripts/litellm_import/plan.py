"""From LiteLLM's rows to users, keys, budgets and accounts of the gateway."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from app.catalog.catalog import Catalog
from app.core.budgets import LIFETIME, Budget
from app.core.ids import KeyHash, KeyId, UserId
from app.core.names import normal_email
from app.identity.budgets import Template
from app.identity.policy import EVERYTHING, Accounts, Key, Policy, Role, User
from app.ledger.record import BudgetCounter, Scope
from scripts.litellm_import.allowances import Allowances, utc
from scripts.litellm_import.source import Row, Source, usd

AUTHOR = "import from LiteLLM"
DASHBOARD_TEAM = "litellm-dashboard"
"""Sessions of LiteLLM's user interface are keys of this team."""

HASH_DIGITS = frozenset("0123456789abcdef")
FOR_MODELS = frozenset(
    {
        "llm_api_routes",
        "openai_routes",
        "anthropic_routes",
        "*",
        "/*",
        "/v1/*",
        "/chat/completions",
        "/v1/chat/completions",
        "/v1/messages",
    }
)
OF_METADATA = (
    "tags",
    "model_rpm_limit",
    "model_tpm_limit",
    "temp_budget_increase",
    "temp_budget_expiry",
)
UNKNOWN_HERE = (
    "aliases",
    "config",
    "permissions",
    "router_settings",
    "allowed_cache_controls",
    "policies",
    "object_permission_id",
    "auto_rotate",
    "organization_id",
    "project_id",
    "agent_id",
    "budget_limits",
    "access_group_ids",
    "tpd_limit",
)
EMPTY: tuple[Any, ...] = (None, {}, [], "", False)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written, and what cannot be: each with the reason."""

    templates: list[Template] = field(default_factory=list)
    users: list[User] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    retired: list[tuple[KeyHash, KeyId, str, datetime]] = field(default_factory=list)
    """Hash, key, its name, and when it ends."""
    spend: list[tuple[BudgetCounter, Decimal]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    """Of whom or what, and what becomes of it."""


class Planner:
    """Makes a plan. `admins` carries roles of administration over."""

    def __init__(self, catalog: Catalog, zone: ZoneInfo, now: datetime, *, admins: bool) -> None:
        self._allowances = Allowances(catalog, self._note)
        self._accounts = Accounts(Budget(), zone)
        self._now = now
        self._admins = admins
        self._plan = Plan()
        self._templates: dict[str, Template] = {}
        self._addresses: dict[str, str] = {}

    def plan(self, source: Source, aliases: Mapping[str, str]) -> Plan:
        """`aliases` are those of the gateway's keys already, with their ids."""
        plan = self._plan
        self._budgets(source)
        for row in source.users:
            user = self._user(row)
            plan.users.append(user)
            self._spend(user, row, source.logged_users.get(user.id))
        known = {user.id for user in plan.users}
        taken = dict(aliases)
        for row in source.keys:
            key = self._key(row, source.teams, taken)
            if key is None:
                continue
            if key.user_id is not None and key.user_id not in known:
                self._note(
                    f"user {key.user_id}",
                    "LiteLLM has keys of this user, but no user: made without limits",
                )
                plan.users.append(
                    User(
                        key.user_id,
                        None,
                        None,
                        blocked=False,
                        own=EVERYTHING,
                        created_at=self._now,
                        updated_at=self._now,
                    )
                )
                known.add(key.user_id)
            plan.keys.append(key)
            self._spend(key, row, source.logged_keys.get(key.id))
        self._retired(source.retired)
        for name, count in source.left.items():
            self._note(name, f"{count} are not carried over")
        return plan

    def _note(self, what: str, why: str) -> None:
        self._plan.notes.append((what, why))

    def _budgets(self, source: Source) -> None:
        used = {row["budget_id"] for row in source.keys if row.get("budget_id")}
        for id_ in sorted(used & source.budgets.keys()):
            row = source.budgets[id_]
            allowance = self._allowances.read(f"budget {id_}", row, {})
            self._templates[id_] = Template(id_, allowance, self._now, self._now)
        self._plan.templates.extend(self._templates.values())
        if others := len(source.budgets.keys() - used):
            self._note("budgets", f"{others} that no key refers to are not carried over")

    def _user(self, row: Row) -> User:
        name = f"user {row['user_id']}"
        self._say_what_is_left(name, row)
        if row.get("teams"):
            self._note(name, f"is in teams: {', '.join(row['teams'])}")
        metadata, extra = _metadata(row)
        return User(
            id=UserId(row["user_id"]),
            email=self._email(name, row.get("user_email")),
            alias=row.get("user_alias"),
            blocked=False,
            own=self._allowances.read(name, row, extra),
            role=self._role(name, row.get("user_role")),
            metadata=metadata,
            created_at=utc(row.get("created_at")) or self._now,
            updated_at=self._now,
        )

    def _email(self, name: str, text: str | None) -> str | None:
        if text is None or not text.strip():
            return None
        try:
            address = normal_email(text)
        except ValueError as error:
            self._note(name, f"{error}: kept as it is")
            return text
        if self._addresses.setdefault(address, name) != name:
            self._note(name, f"has the e-mail address of {self._addresses[address]}: use user ids")
        return address

    def _role(self, name: str, role: str | None) -> Role:
        if role in (Role.ADMIN, Role.VIEWER):
            if self._admins:
                return Role(role)
            self._note(name, f"the role {role} is carried over with --admins alone")
        elif role not in (None, "", Role.INTERNAL):
            self._note(name, f"the role {role} becomes internal_user")
        return Role.INTERNAL

    def _key(self, row: Row, teams: Mapping[str, Row], taken: dict[str, str]) -> Key | None:
        token, team = str(row["token"]), teams.get(row.get("team_id") or "")
        name = f"key {row.get('key_alias') or row.get('key_name') or token[:8]}"
        if row.get("team_id") == DASHBOARD_TEAM:
            return None
        if len(token) != 64 or not set(token) <= HASH_DIGITS:
            self._note(name, "is not stored as a hash, and is not carried over")
            return None
        self._say_what_is_left(name, row)
        metadata, extra = _metadata(row)
        own = self._allowances.read(name, row, extra)
        blocked = bool(row.get("blocked"))
        if row.get("team_id"):
            own, blocked = self._of_team(name, row["team_id"], team, own, blocked=blocked)
        routes = set(row.get("allowed_routes") or ())
        if routes:
            self._note(name, f"allowed_routes are not carried over: {', '.join(sorted(routes))}")
            if not routes & FOR_MODELS:
                self._note(name, "was not for models, and is blocked")
                blocked = True
        budget_id = row.get("budget_id")
        template = self._templates.get(budget_id or "")
        return Key(
            id=KeyId(token),
            hash=KeyHash(token),
            name=row.get("key_name") or f"sk-...{token[-4:]}",
            alias=self._alias(name, row.get("key_alias"), token, taken),
            user_id=UserId(row["user_id"]) if row.get("user_id") else None,
            expires=utc(row.get("expires")),
            blocked=blocked,
            own=own,
            budget_id=template.id if template else None,
            template=template.allowance if template else EVERYTHING,
            tags=tuple(map(str, extra.get("tags") or ())),
            metadata=metadata,
            created_at=utc(row.get("created_at")) or self._now,
            created_by=AUTHOR,
            updated_at=self._now,
        )

    def _of_team(
        self, name: str, team_id: str, team: Row | None, own: Policy, *, blocked: bool
    ) -> tuple[Policy, bool]:
        """A key of a team had what the team had; only what narrows it can be kept."""
        known = team or {}
        self._note(
            name,
            f"leaves the team {known.get('team_alias') or team_id}: the team's budget "
            "and limits are gone",
        )
        if not own.models and known.get("models"):
            own = replace(own, models=self._allowances.models(name, known["models"]))
        return own, blocked or bool(known.get("blocked"))

    def _alias(self, name: str, alias: str | None, token: str, taken: dict[str, str]) -> str | None:
        if alias is None or taken.setdefault(alias, token) == token:
            return alias
        self._note(name, "another key has this alias too: this one has none now")
        return None

    def _say_what_is_left(self, name: str, row: Row) -> None:
        left = [column for column in UNKNOWN_HERE if row.get(column) not in EMPTY]
        if left:
            self._note(name, f"not carried over: {', '.join(left)}")

    def _spend(self, holder: Key | User, row: Row, logged: Decimal | None) -> None:
        """LiteLLM counts `spend` in the present window, where there is one; its log, or its own
        total, has the rest."""
        scope = Scope.KEY if isinstance(holder, Key) else Scope.USER
        spend, total = usd(row.get("spend")), usd(row.get("total_spend"))
        present = self._accounts.present(scope, holder.id, holder.allowance.budget, self._now)
        reset_at = utc(row.get("budget_reset_at"))
        over = reset_at is not None and reset_at <= self._now
        lifetime = BudgetCounter(scope, holder.id, LIFETIME, None)
        self._plan.spend.append((lifetime, max(spend, total, logged or Decimal(0))))
        if not present.lifetime:
            self._plan.spend.append((present, Decimal(0) if over else spend))

    def _retired(self, rows: Iterable[Row]) -> None:
        keys = {key.id: key for key in self._plan.keys}
        for row in rows:
            key, end = keys.get(KeyId(row["active_token_id"])), utc(row["revoke_at"])
            if key is not None and end is not None and end > self._now:
                old = KeyHash(row["token"])
                self._plan.retired.append((old, key.id, f"sk-...{old[-4:]}", end))


def _metadata(row: Row) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """What stays metadata, and the fields that LiteLLM keeps in it."""
    all_of_it = dict(row.get("metadata") or {})
    extra = {name: all_of_it.pop(name) for name in OF_METADATA if name in all_of_it}
    return all_of_it, extra
