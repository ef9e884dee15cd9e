"""Beta flags as the operator wants them, changed while the gateway runs."""

import logging
from collections.abc import Sequence

from app.catalog.loader import Catalog
from app.domain.betas import EVERY_MODEL, BetaRule, with_beta_rules
from app.domain.models import Model
from app.errors import DatabaseUnavailable, InvalidRequest, NotFound
from app.ports import BetaRules

log = logging.getLogger(__name__)


class Betas:
    """Lays the operator's rules over the catalogue. Each gateway hears of a change and reloads;
    while the database is away, what was known stays."""

    def __init__(self, rules: BetaRules, catalog: Catalog, shipped: Sequence[Model]) -> None:
        self._rules = rules
        self._catalog = catalog
        self._shipped = shipped

    async def reload(self) -> None:
        try:
            rules = await self._rules.beta_rules()
        except DatabaseUnavailable:
            log.warning("beta rules could not be read; those known stay")
            return
        self._catalog.replace(with_beta_rules(model, rules) for model in self._shipped)

    async def rules(self) -> Sequence[BetaRule]:
        return await self._rules.beta_rules()

    async def set(self, rule: BetaRule) -> None:
        """Raises InvalidRequest if no model has that public name."""
        if rule.model not in {EVERY_MODEL, *(model.name for model in self._shipped)}:
            raise InvalidRequest(f"model: {rule.model!r} is neither a public name nor '*'")
        await self._rules.set_beta_rule(rule)
        await self.reload()

    async def drop(self, model: str, beta: str) -> None:
        """Back to the catalogue's word. Raises NotFound if there is no such rule."""
        if not await self._rules.drop_beta_rule(model, beta):
            raise NotFound(f"There is no rule for {beta!r} on {model!r}.")
        await self.reload()
