"""Names that come close to an unknown one, at a cost that does not grow with what was sent."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import SequenceMatcher
from fnmatch import fnmatchcase
from heapq import nlargest
from importlib.resources import files
from types import MappingProxyType
from typing import Final, get_args

from app.catalog.model import Capabilities, Model, Profile, Target
from app.catalog.schema import CatalogFile, ModelEntry, PriceEntry, ProfileName
from app.core.guardrail import GuardrailPrice
from app.core.pricing import Price, Rates, Tier
from app.errors import UnknownModel

LONGEST: Final = 64
"""Characters that are compared; no model's name is longer by more than its suffix."""

CLOSE: Final = 0.5
"""Share of pairs of letters in common, from 0 to 1, of a name that is suggested."""

COMPARED: Final = 5
"""Names that are compared letter by letter, which costs most."""


class Suggestions:
    """Finds names by the pairs of letters that they share (Dice's coefficient), and puts the best
    of them in order by `difflib`."""

    def __init__(self, names: Iterable[str]) -> None:
        self._pairs = {name: _pairs(name) for name in names}

    def close_to(self, name: str, most: int) -> list[str]:
        """The known names that come closest, the closest first; none that is only remotely like."""
        asked = _pairs(name)
        scores = (
            (2 * len(asked & pairs) / (len(asked) + len(pairs)), known)
            for known, pairs in self._pairs.items()
        )
        close = nlargest(COMPARED, ((score, known) for score, known in scores if score >= CLOSE))
        compared = SequenceMatcher(b=_short(name), autojunk=False)
        ratios = []
        for _, known in close:
            compared.set_seq1(_short(known))
            ratios.append((compared.ratio(), known))
        return [known for _, known in nlargest(most, ratios)]


def _short(name: str) -> str:
    return name[:LONGEST].lower()


def _pairs(name: str) -> frozenset[str]:
    text = f" {_short(name)} "
    return frozenset(text[i : i + 2] for i in range(len(text) - 1))


LONG_CONTEXT_SUFFIX = "[1m]"
"""Claude Code's mark for the long context; a beta says it again, so the name can do without."""

LONGEST_ECHO = 100
"""Characters of an unknown name that its error repeats."""


def load_catalog(
    *, region: str, profile: str | None, aliases: Mapping[str, str] | None = None
) -> "Catalog":
    """The catalogue that ships with the gateway.

    `region` is that of the Bedrock endpoint; `profile` the inference profile to prefer; `aliases`
    are the operator's names for models, patterns (`claude-opus-*`) among them.
    Raises `ValueError` for a profile that Bedrock does not have or an alias of an unknown model,
    and pydantic's `ValidationError` when the file breaks its schema.
    """
    if profile is not None and profile not in get_args(ProfileName):
        msg = f"no such inference profile: {profile}; known: {', '.join(get_args(ProfileName))}"
        raise ValueError(msg)
    return Catalog(shipped_models(), region=region, profile=profile, aliases=aliases or {})


def shipped_models() -> tuple[Model, ...]:
    """All models of `models.json`, whatever the region reaches of them."""
    text = files("app.catalog").joinpath("models.json").read_bytes()
    file = CatalogFile.model_validate_json(text)
    guardrail = tuple(GuardrailPrice(**price.model_dump()) for price in file.guardrail_prices)
    return tuple(_model(entry, file.beta_aliases, guardrail) for entry in file.models)


class Catalog:
    """The models that one region can reach, under all their names."""

    def __init__(
        self,
        models: Iterable[Model],
        *,
        region: str,
        profile: str | None,
        aliases: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._order = tuple(dict.fromkeys(_profile_order(region, profile)))
        self._aliases = aliases
        self.region = region
        self.replace(models)

    def replace(
        self, models: Iterable[Model], aliases: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Other models from now on, and other names for them in addition to those of the settings.

        Of two with a name in common the later one gets it; a Bedrock id is the first one's, so that
        a model that is only another name, price or limit for it takes nothing away.
        Raises `ValueError` for an alias in the settings of a model that is not among them.
        """
        known = tuple({model.name: model for model in models}.values())
        preferred = [(m, p) for m in known if (p := _preferred(m, self._order)) is not None]
        targets: dict[str, Target] = {}
        for model, profile in preferred:
            targets.setdefault(model.bedrock_id, Target(model.bedrock_id, model, profile))
            for name in (*model.aliases, model.name):
                targets[name] = Target(name, model, profile)
        exact: dict[str, Target] = {}
        for model, _ in preferred:
            for other in model.profiles:
                exact.setdefault(other.bedrock_id, Target(other.bedrock_id, model, other))
        targets |= exact
        # What is reached under a name of its own, in a region that cannot reach it, is left out.
        for alias, name in aliases.items():
            if name in targets:
                targets[alias] = Target(alias, targets[name].model, targets[name].profile)
        for alias, name in self._aliases.items():
            if name not in targets:
                raise ValueError(f"the alias {alias!r} is for {name!r}, which is not a model here")
            targets[alias] = Target(alias, targets[name].model, targets[name].profile)
        self._known = known
        self._models = tuple(model for model, _ in preferred)
        self._targets = targets
        self._suggestions = Suggestions(targets)

    def models(self) -> tuple[Model, ...]:
        """The models that can be asked for, in the order of the file."""
        return self._models

    def reaches(self, model: Model) -> bool:
        """Whether the region has a way to the model."""
        return _preferred(model, self._order) is not None

    def profiles(self, model: Model) -> tuple[Profile, ...]:
        """The inference profiles by which the region reaches a model, the preferred one first."""
        by_name = {profile.name: profile for profile in model.profiles if profile.name != "bare"}
        return tuple(by_name[name] for name in self._order if name in by_name)

    def resolve(self, name: str) -> Target:
        """The model of that public name, alias or Bedrock id, and the profile to reach it by.

        A Bedrock id with a profile's prefix means exactly that profile; without one, the bare id
        where Bedrock takes it, else the profile that the public name would get.
        Raises `UnknownModel`, whose message names the models that come close.
        """
        target = self._targets.get(name)
        if target is not None:
            return target
        plain = name.removesuffix(LONG_CONTEXT_SUFFIX)
        target = self._targets.get(plain) or self._matching(plain)
        if target is not None:
            return replace(target, asked=name)
        raise UnknownModel(self._unknown(plain))

    def _matching(self, name: str) -> Target | None:
        """By the first of the operator's patterns that fits."""
        patterns = (alias for alias in self._aliases if "*" in alias)
        return next((self._targets[p] for p in patterns if fnmatchcase(name, p)), None)

    def _unknown(self, name: str) -> str:
        elsewhere = [m.name for m in self._known if name in (m.name, *m.aliases)]
        if elsewhere:
            return f"model {elsewhere[0]} is not offered in {self.region}"
        offered = ", ".join(self._close(name)) or ", ".join(m.name for m in self._models)
        return f"model: {name[:LONGEST_ECHO]} is not known here; try one of: {offered}"

    def _close(self, name: str) -> list[str]:
        matches = self._suggestions.close_to(name, 6)
        return list(dict.fromkeys(self._targets[match].model.name for match in matches))[:3]


def _profile_order(region: str, profile: str | None) -> tuple[str, ...]:
    asked = (profile,) if profile else ()
    if region.startswith("us-gov-"):
        return (*asked, "us-gov", "bare")
    return (*asked, _profile_of_region(region), "global", "bare")


def _profile_of_region(region: str) -> str:
    if region in ("ap-northeast-1", "ap-northeast-3"):
        return "jp"
    if region in ("ap-southeast-2", "ap-southeast-4"):
        return "au"
    prefixes = {"us-": "us", "eu-": "eu", "ap-": "apac"}
    return next((name for prefix, name in prefixes.items() if region.startswith(prefix)), "global")


def _preferred(model: Model, order: tuple[str, ...]) -> Profile | None:
    by_name = {profile.name: profile for profile in model.profiles}
    return next((by_name[name] for name in order if name in by_name), None)


def _model(
    entry: ModelEntry, beta_aliases: Mapping[str, str], guardrail: tuple[GuardrailPrice, ...]
) -> Model:
    return Model(
        name=entry.name,
        display_name=entry.display_name,
        description=entry.description,
        aliases=entry.aliases,
        bedrock_id=entry.bedrock_id,
        profiles=tuple(
            Profile(
                name=name,
                bedrock_id=entry.bedrock_id if name == "bare" else f"{name}.{entry.bedrock_id}",
                factor=factor,
            )
            for name, factor in entry.profiles.items()
        ),
        context_tokens=entry.context_tokens,
        max_output_tokens=entry.max_output_tokens,
        released=entry.released,
        capabilities=Capabilities(
            **entry.capabilities.model_dump(), beta_aliases=tuple(beta_aliases.items())
        ),
        prices=tuple(map(_price, entry.prices)),
        guardrail_prices=guardrail,
    )


def _price(entry: PriceEntry) -> Price:
    return Price(
        since=entry.since,
        tiers=tuple(
            Tier(tier.above_prompt_tokens, Rates(**tier.rates.model_dump())) for tier in entry.tiers
        ),
        source=entry.source,
    )
