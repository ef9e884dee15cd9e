"""What a key or a user may use: models, money, speed."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from zoneinfo import ZoneInfo

from app.catalog.model import Model, Target
from app.core.budgets import (
    LIFETIME,
    NO_LIMITS,
    UNLIMITED,
    Budget,
    LimitedBy,
    Limits,
    LimitScope,
    window_at,
)
from app.core.guardrail import Guardrail
from app.core.ids import KeyHash, KeyId, UserId
from app.errors import ModelNotAllowed
from app.ledger.record import BudgetCounter, Scope, by_model


@dataclass(frozen=True, slots=True)
class Policy:
    """No model list, no budget and no limit means all that there is. Budgets and limits by model
    are named by the model's public name, and come on top of the others."""

    models: tuple[str, ...] = ()
    budget: Budget = UNLIMITED
    limits: Limits = NO_LIMITS
    model_budgets: Mapping[str, Budget] = field(default_factory=dict)
    model_limits: Mapping[str, Limits] = field(default_factory=dict)

    def over(self, template: "Policy") -> "Policy":
        """This one, with the template's word on all that this one is silent about."""
        own, other = self.budget, template.budget
        capped = other if own.max is None else own
        return Policy(
            models=self.models or template.models,
            budget=replace(
                own,
                max=capped.max,
                duration=capped.duration if own.duration is None else own.duration,
                soft=other.soft if own.soft is None else own.soft,
            ),
            limits=Limits(
                rpm=_first(self.limits.rpm, template.limits.rpm),
                tpm=_first(self.limits.tpm, template.limits.tpm),
                parallel=_first(self.limits.parallel, template.limits.parallel),
            ),
            model_budgets={**template.model_budgets, **self.model_budgets},
            model_limits={**template.model_limits, **self.model_limits},
        )


EVERYTHING = Policy()


def _first(own: int | None, template: int | None) -> int | None:
    return template if own is None else own


PREFIX = "sk-"

LONGEST_KEY = 512

SHORTEST_OWN = 20

FEWEST_DIFFERENT = 10
"""Characters after the prefix of a key that is not made here, and how many of them differ."""

KeyState = Literal["active", "expired", "blocked", "user_blocked"]


def generate_key() -> str:
    """A new key: `sk-` and 22 URL-safe characters (128 random bits)."""
    return PREFIX + secrets.token_urlsafe(16)


def check_own_key(key: str) -> None:
    """Whether a key that is not made here is one that nobody guesses.

    Raises:
        ValueError: It is too short, too long, too uniform, or not of visible ASCII characters.
    """
    if not key.startswith(PREFIX) or len(key) > LONGEST_KEY:
        raise ValueError(f"must begin with {PREFIX} and have at most {LONGEST_KEY} characters")
    if not all("!" <= character <= "~" for character in key):
        raise ValueError("must have visible ASCII characters only, without blanks")
    rest = key.removeprefix(PREFIX)
    repeats = rest in (rest + rest)[1:-1]
    if len(rest) < SHORTEST_OWN or len(set(rest)) < FEWEST_DIFFERENT or repeats:
        raise ValueError(
            f"is too easy to guess: {SHORTEST_OWN} random characters or more must follow {PREFIX}, "
            f"{FEWEST_DIFFERENT} of them different; leave it out to get a random key"
        )


def hash_key(key: str) -> KeyHash:
    """How a key is stored and looked up; keys are random, so a plain digest cannot be reversed."""
    return KeyHash(hashlib.sha256(key.encode()).hexdigest())


def key_name(key: str) -> str:
    """How a key is shown: `sk-...` and its last four characters."""
    return f"{PREFIX}...{key[-4:]}"


class Role(StrEnum):
    """What a user's keys may administer, by LiteLLM's names."""

    ADMIN = "proxy_admin"
    VIEWER = "proxy_admin_viewer"
    INTERNAL = "internal_user"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody whose keys share a budget, limits and a model list."""

    id: UserId
    email: str | None
    alias: str | None
    blocked: bool
    own: Policy
    role: Role = Role.INTERNAL
    budget_id: str | None = None
    template: Policy = EVERYTHING
    """What the budget of that id says."""
    guardrail: Guardrail | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def allowance(self) -> Policy:
        return self.own if self.budget_id is None else self.own.over(self.template)


@dataclass(frozen=True, slots=True)
class Key:
    """What is kept of an API key."""

    id: KeyId
    hash: KeyHash
    name: str
    alias: str | None
    user_id: UserId | None
    expires: datetime | None
    blocked: bool
    own: Policy
    budget_id: str | None = None
    template: Policy = EVERYTHING
    guardrail: Guardrail | None = None
    tags: tuple[str, ...] = ()
    """Its requests are recorded under these, and under those that the request names."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None
    created_by: str | None = None
    updated_at: datetime | None = None

    @property
    def allowance(self) -> Policy:
        return self.own if self.budget_id is None else self.own.over(self.template)


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated key with its user, where it has one."""

    key: Key
    user: User | None

    @property
    def owner(self) -> str:
        """Who takes a share of what all callers share: the user, or a key without one."""
        return f"user {self.user.id}" if self.user else f"key {self.key.id}"

    @property
    def guardrail(self) -> Guardrail | None:
        """The key's own, or else its user's."""
        return self.key.guardrail or (self.user.guardrail if self.user else None)

    def state(self, now: datetime) -> KeyState:
        if self.key.blocked:
            return "blocked"
        if self.user is not None and self.user.blocked:
            return "user_blocked"
        if self.key.expires is not None and self.key.expires <= now:
            return "expired"
        return "active"

    def may_use(self, *names: str) -> bool:
        """Whether a model is allowed that goes by any of these names."""
        lists = (self.key.allowance.models, self.user.allowance.models if self.user else ())
        return all(not allowed or not set(names).isdisjoint(allowed) for allowed in lists)


GLOBAL_ID = "*"
"""The id of the global account."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """Every request counts against the lifetime of its key and user, and the periods of its
    budgets; the global counter exists only where there is a global budget: all share it."""

    global_budget: Budget
    zone: ZoneInfo
    global_model_budgets: Mapping[str, Budget] = field(default_factory=dict)
    """By public names."""

    def of(self, caller: Caller, model: str, at: datetime) -> tuple[BudgetCounter, ...]:
        """Those of a request for `model` made then, in the order in which rows are locked."""
        accounts = self._model(Scope.KEY_MODEL, caller.key.id, caller.key.allowance, model, at)
        accounts += self._scope(Scope.KEY, caller.key.id, caller.key.allowance.budget, at)
        if caller.user is not None:
            id_, allowance = caller.user.id, caller.user.allowance
            accounts += self._model(Scope.USER_MODEL, id_, allowance, model, at)
            accounts += self._scope(Scope.USER, id_, allowance.budget, at)
        if budget := self.global_model_budgets.get(model):
            accounts += (self.present(Scope.GLOBAL_MODEL, by_model(model, GLOBAL_ID), budget, at),)
        if self.global_budget.max is not None or self.global_budget.soft is not None:
            accounts += self._scope(Scope.GLOBAL, GLOBAL_ID, self.global_budget, at)
        return accounts

    def present(self, scope: Scope, id_: str, budget: Budget, at: datetime) -> BudgetCounter:
        """The account that the budget's cap applies to then."""
        window = window_at(budget.duration, at, self.zone)
        return BudgetCounter(scope, id_, window, budget.cap(at), budget.soft)

    def windows(self, holder: Key | User, at: datetime) -> tuple[BudgetCounter, ...]:
        """The present accounts of all budgets that a key or a user has, lifetimes among them."""
        is_key, allowance = isinstance(holder, Key), holder.allowance
        whole = Scope.KEY if is_key else Scope.USER
        single = Scope.KEY_MODEL if is_key else Scope.USER_MODEL
        return (
            *(
                self.present(single, by_model(model, holder.id), budget, at)
                for model, budget in sorted(allowance.model_budgets.items())
            ),
            self.present(whole, holder.id, allowance.budget, at),
        )

    def of_everybody(self, at: datetime) -> tuple[BudgetCounter, ...]:
        """The present accounts of the budgets that all share."""
        models = (
            self.present(Scope.GLOBAL_MODEL, by_model(model, GLOBAL_ID), budget, at)
            for model, budget in self.global_model_budgets.items()
        )
        return (self.present(Scope.GLOBAL, GLOBAL_ID, self.global_budget, at), *models)

    def _scope(
        self, scope: Scope, id_: str, budget: Budget, at: datetime
    ) -> tuple[BudgetCounter, ...]:
        present = self.present(scope, id_, budget, at)
        if present.lifetime:
            return (present,)
        return (BudgetCounter(scope, id_, LIFETIME, None), present)

    def _model(
        self, scope: Scope, id_: str, allowance: Policy, model: str, at: datetime
    ) -> tuple[BudgetCounter, ...]:
        budget = allowance.model_budgets.get(model)
        return (self.present(scope, by_model(model, id_), budget, at),) if budget else ()


def limits_of(caller: Caller, model: Model) -> tuple[LimitedBy, ...]:
    """The limits of a request for `model`, in the order in which rows are locked."""
    key, user = caller.key, caller.user
    found = list(_limits(LimitScope.KEY_MODEL, LimitScope.KEY, key.id, key.allowance, model))
    if user is not None:
        found += _limits(LimitScope.USER_MODEL, LimitScope.USER, user.id, user.allowance, model)
    if model.limits != NO_LIMITS:
        found.append(LimitedBy(LimitScope.MODEL, model.name, model.limits))
    return tuple(found)


def _limits(
    single: LimitScope, whole: LimitScope, id_: str, allowance: Policy, model: Model
) -> Iterable[LimitedBy]:
    own = allowance.model_limits.get(model.name, NO_LIMITS)
    if own != NO_LIMITS:
        yield LimitedBy(single, by_model(model.name, id_), own)
    if allowance.limits != NO_LIMITS:
        yield LimitedBy(whole, id_, allowance.limits)


def check_model(caller: Caller, target: Target) -> None:
    """Raises ModelNotAllowed where the lists of key and user do not hold the model."""
    if not caller.may_use(target.model.name, *target.model.aliases, target.asked):
        raise ModelNotAllowed(
            f"This API key may not use {target.model.name}. "
            "GET /v1/models lists the models that it may use."
        )
