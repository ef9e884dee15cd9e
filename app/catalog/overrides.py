"""An operator's word on beta flags, over the catalogue's."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from app.catalog.model import Model, Profile
from app.core.budgets import NO_LIMITS, Limits
from app.core.pricing import Price, Rates, Tier, price_on

EVERY_MODEL = "*"


@dataclass(frozen=True, slots=True)
class BetaRule:
    """What becomes of a flag that a client sends.

    `model` is a public name, or `*` for every model; the rule of a model's own goes before that.
    `sent_as` is the flag that Bedrock gets: the same one, or its own name for it; None for none.
    """

    model: str
    beta: str
    sent_as: str | None


def with_beta_rules(model: Model, rules: Iterable[BetaRule]) -> Model:
    """The model as the rules have it; the same object where none concerns it."""
    mine = {rule.beta: rule for rule in rules if rule.model == EVERY_MODEL}
    mine |= {rule.beta: rule for rule in rules if rule.model == model.name}
    if not mine:
        return model
    able = model.capabilities
    aliases = {beta: sent for beta, sent in able.beta_aliases if beta not in mine}
    aliases |= {r.beta: r.sent_as for r in mine.values() if r.sent_as not in (None, r.beta)}
    kept = [beta for beta in able.betas if beta not in mine]
    sent = [rule.sent_as for rule in mine.values() if rule.sent_as is not None]
    return replace(
        model,
        capabilities=replace(
            able,
            betas=tuple(dict.fromkeys([*kept, *sent])),
            beta_aliases=tuple((beta, str(sent)) for beta, sent in aliases.items()),
        ),
    )


PROVIDER: Final = re.compile(r"^bedrock/(converse/|invoke/)?")

BEDROCK_ID: Final = re.compile(r"(?:(global|us|eu|jp|au|apac|us-gov)\.)?(anthropic\.[a-z0-9.:\-]+)")

RATES: Final = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_creation_input_token_cost": "cache_write_5m",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "cache_read_input_token_cost": "cache_read",
}
"""LiteLLM's names of prices, in USD per token, and ours, per million tokens."""

MILLIONTHS: Final = Decimal("0.000001")

ALWAYS: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Definition:
    """What the operator says of a model: what it stands for, and what is different from that.

    `target` is a Bedrock id or the name of a model; a Bedrock id that the gateway does not know is
    a new model, with the capabilities of `base`. `rates` are in USD per token, by LiteLLM's names.
    """

    target: str
    base: str | None = None
    rates: tuple[tuple[str, Decimal], ...] = ()
    limits: Limits = NO_LIMITS

    def as_json(self) -> dict[str, Any]:
        """As it is stored; money is text."""
        fields = {
            "model": self.target,
            "base_model": self.base,
            "rpm": self.limits.rpm,
            "tpm": self.limits.tpm,
            "max_parallel_requests": self.limits.parallel,
            **{name: f"{rate:f}" for name, rate in self.rates},
        }
        return {name: value for name, value in fields.items() if value is not None}


def definition_of(stored: Mapping[str, Any]) -> Definition:
    """Of JSON as `as_json` makes it."""
    return Definition(
        target=stored["model"],
        base=stored.get("base_model"),
        rates=tuple((name, Decimal(stored[name])) for name in RATES if name in stored),
        limits=Limits(stored.get("rpm"), stored.get("tpm"), stored.get("max_parallel_requests")),
    )


@dataclass(frozen=True, slots=True)
class ModelOverride:
    """A definition under the name that clients use."""

    id: str
    name: str
    definition: Definition
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Merged:
    """Models and further names for them, and why some of the operator's are left out, by id."""

    models: tuple[Model, ...]
    aliases: Mapping[str, str]
    problems: Mapping[str, str]


def merge(shipped: Sequence[Model], words: Iterable[ModelOverride], today: date) -> Merged:
    """The shipped models as the operator's words have them, and those that the words add."""
    names = _names(shipped)
    models = {model.name: model for model in shipped}
    aliases: dict[str, str] = {}
    problems: dict[str, str] = {}
    for word in words:
        definition = word.definition
        found = names.get(definition.target)
        plain = not definition.rates and definition.limits == NO_LIMITS
        try:
            _check_name(word, names, found)
            if found is None:
                models[word.name] = _new(word, names, today)
            elif word.name == found.name:
                models[word.name] = _changed(models[word.name], definition, today)
            elif plain and definition.target in (found.name, *found.aliases):
                model = models[found.name]
                models[found.name] = replace(model, aliases=(*model.aliases, word.name))
            elif plain:
                aliases[word.name] = definition.target
            else:
                narrowed = _narrowed(found, definition.target)
                named = replace(narrowed, name=word.name, display_name=word.name, aliases=())
                models[word.name] = _changed(named, definition, today)
        except ValueError as problem:
            problems[word.id] = str(problem)
    return Merged(tuple(models.values()), aliases, problems)


def _check_name(word: ModelOverride, names: Mapping[str, Model], found: Model | None) -> None:
    """Raises ValueError for a name of a shipped model that would lead elsewhere: a key that may use
    that model could use another one by its name."""
    shipped = names.get(word.name)
    if shipped is None or (word.name == shipped.name and found is shipped):
        return
    raise ValueError(
        f"model_name: {word.name} is a name of the shipped model {shipped.name}; choose another "
        f"name, or {shipped.name} with litellm_params.model {shipped.name} to change that model's "
        "limits and prices"
    )


def below_shipped(
    shipped: Sequence[Model], definition: Definition, today: date
) -> tuple[str, Decimal] | None:
    """A price that is lower than the shipped one of the same model, in any tier and profile.

    Returns:
        Its field and the lowest that it may be (USD per token); None where no price is lower.
    """
    names = _names(shipped)
    model = names.get(definition.target) or names.get(definition.base or "")
    if model is None:
        return None
    tiers = price_on(model.prices, today).tiers
    factor = max(profile.factor for profile in model.profiles)
    for name, rate in definition.rates:
        least = max(getattr(tier.rates, RATES[name]) for tier in tiers) * factor * MILLIONTHS
        if rate < least:
            return name, least
    return None


def _names(models: Iterable[Model]) -> dict[str, Model]:
    names: dict[str, Model] = {}
    for model in models:
        known = (model.name, *model.aliases, model.bedrock_id)
        names |= dict.fromkeys((*known, *(p.bedrock_id for p in model.profiles)), model)
    return names


def _new(word: ModelOverride, names: Mapping[str, Model], today: date) -> Model:
    definition = word.definition
    form = BEDROCK_ID.fullmatch(definition.target)
    if form is None:
        raise ValueError(f"litellm_params.model: {definition.target!r} is neither a model here "
                         "nor a Bedrock id of Anthropic's")  # fmt: skip
    base = names.get(definition.base or "")
    if base is None:
        raise ValueError(
            f"model_info.base_model: name the model whose capabilities {definition.target} has"
        )
    prefix = form[1] or "bare"
    factor = next((p.factor for p in base.profiles if p.name == prefix), Decimal(1))
    model = replace(
        base,
        name=word.name,
        display_name=word.name,
        aliases=(),
        bedrock_id=form[2],
        profiles=(Profile(prefix, definition.target, factor),),
    )
    return _changed(model, definition, today)


def _narrowed(model: Model, target: str) -> Model:
    """With one profile alone, where the target is that profile's id."""
    exact = tuple(p for p in model.profiles if p.bedrock_id == target)
    return replace(model, profiles=exact) if exact else model


def _changed(model: Model, definition: Definition, today: date) -> Model:
    """With the definition's limits and prices; such prices hold for every profile as they are."""
    model = replace(model, limits=definition.limits)
    if not definition.rates:
        return model
    own = {RATES[name]: rate.scaleb(6) for name, rate in definition.rates}
    if not {"input", "output"} <= own.keys():
        raise ValueError("input_cost_per_token and output_cost_per_token: prices need both of them")
    usual = price_on(model.prices, today).rates(0)
    for name in ("cache_write_5m", "cache_write_1h", "cache_read"):
        likewise = own["input"] * getattr(usual, name) / usual.input
        own.setdefault(name, likewise.quantize(MILLIONTHS))
    price = Price(ALWAYS, (Tier(0, Rates(**own)),), "the operator")
    level = tuple(replace(profile, factor=Decimal(1)) for profile in model.profiles)
    return replace(model, prices=(price,), profiles=level)
