"""The operator's words on models, over the shipped catalogue."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from app.catalog.catalog import Catalog, load_catalog, shipped_models
from app.catalog.overrides import BetaRule, Definition, ModelOverride
from app.catalog.registry import ModelRegistry
from app.core.budgets import Limits
from app.core.ids import Author
from app.errors import DatabaseUnavailable, GatewayError, UnknownModel
from tests.support.fakes import FakeTime

HAIKU = "claude-haiku-4-5"
QUICK = ModelOverride("1", "quick", Definition(HAIKU))
UNREACHABLE = ModelOverride("2", "far", Definition("eu.anthropic.claude-x-v1:0", HAIKU))
IMPOSSIBLE = ModelOverride("3", "none", Definition("gpt-5"))


@dataclass
class Words:
    """What the operator said, in memory. `gates` hold up one reading after the other."""

    models: list[ModelOverride] = field(default_factory=list)
    rules: list[BetaRule] = field(default_factory=list)
    away: GatewayError | None = None
    gates: list[asyncio.Event] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def beta_rules(self) -> Sequence[BetaRule]:
        if self.away is not None:
            raise self.away
        return list(self.rules)

    async def operator_models(self) -> Sequence[ModelOverride]:
        found = list(self.models)
        self.asked.set()
        if self.gates:
            await self.gates.pop(0).wait()
        return found

    async def set_beta_rule(self, rule: BetaRule, by: Author) -> None:
        raise NotImplementedError

    async def drop_beta_rule(self, model: str, beta: str, by: Author) -> bool:
        raise NotImplementedError

    async def add_operator_model(self, model: ModelOverride, by: Author) -> bool:
        raise NotImplementedError

    async def update_operator_model(self, model: ModelOverride, by: Author) -> None:
        raise NotImplementedError

    async def delete_operator_model(self, id_: str, by: Author) -> None:
        raise NotImplementedError


def offer(words: Words) -> tuple[ModelRegistry, Catalog]:
    catalog = load_catalog(region="us-east-1", profile=None)
    return ModelRegistry(words, catalog, shipped_models(), FakeTime().clock), catalog


async def test_models_and_rules_are_laid_over_one_another() -> None:
    limited = ModelOverride("4", HAIKU, Definition(HAIKU, limits=Limits(rpm=5)))
    use, catalog = offer(Words([QUICK, limited], [BetaRule(HAIKU, "a-flag", "a-flag")]))

    await use.reload()

    model = catalog.resolve("quick").model
    assert (model.name, model.limits) == (HAIKU, Limits(rpm=5))
    assert "a-flag" in model.capabilities.betas


async def test_what_is_known_stays_while_the_database_is_away() -> None:
    words = Words([QUICK])
    use, catalog = offer(words)
    await use.reload()
    words.away, words.models = DatabaseUnavailable("away"), []

    await use.reload()

    assert catalog.resolve("quick").model.name == HAIKU


@pytest.mark.parametrize("bad", [UNREACHABLE, IMPOSSIBLE])
async def test_a_model_that_does_not_fit_any_more_takes_no_other_with_it(
    bad: ModelOverride, caplog: pytest.LogCaptureFixture
) -> None:
    use, catalog = offer(Words([bad, QUICK]))

    with caplog.at_level(logging.WARNING):
        await use.reload()

    assert catalog.resolve("quick").model.name == HAIKU
    with pytest.raises(UnknownModel):
        catalog.resolve(bad.name)
    assert ("left out" in caplog.text) is (bad is IMPOSSIBLE)


async def test_a_slow_reading_never_undoes_a_later_one() -> None:
    gate = asyncio.Event()
    words = Words([], gates=[gate])
    use, catalog = offer(words)
    early = asyncio.create_task(use.reload())
    await words.asked.wait()
    words.models.append(QUICK)
    late = asyncio.create_task(use.reload())
    await asyncio.sleep(0)

    gate.set()
    await asyncio.gather(early, late)

    assert catalog.resolve("quick").model.name == HAIKU
