"""The models on offer: those shipped, as the operator wants them while the gateway runs."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import uuid4

from app.catalog.loader import Catalog
from app.domain.audit import Author
from app.domain.betas import EVERY_MODEL, BetaRule, with_beta_rules
from app.domain.models import Model
from app.domain.operator_models import Definition, OperatorModel, below_shipped, lay
from app.errors import Conflict, DatabaseUnavailable, InvalidRequest, NotFound, PermissionDenied
from app.ports import OperatorWords
from app.service.clock import Clock

log = logging.getLogger(__name__)


class Offer:
    """Lays the operator's models and beta rules over the shipped catalogue. Each gateway hears of a
    change and reloads; while the database is away, what was known stays."""

    def __init__(
        self, words: OperatorWords, catalog: Catalog, shipped: Sequence[Model], clock: Clock
    ) -> None:
        self._words = words
        self._catalog = catalog
        self._shipped = shipped
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()

    async def reload(self) -> None:
        """Whoever comes while another reads waits and reads again: the other may have come too
        early to see what this one was told of."""
        async with self._one_at_a_time:
            await self._reload()

    async def _reload(self) -> None:
        try:
            rules = await self._words.beta_rules()
            models = await self._words.operator_models()
        except DatabaseUnavailable:
            log.warning("what the operator says of models could not be read; what is known stays")
            return
        laid = lay(self._shipped, models, self._clock.now().date())
        for id_, problem in laid.problems.items():
            log.warning("a model of the operator's is left out", extra={"id": id_, "why": problem})
        self._catalog.replace(
            (with_beta_rules(model, rules) for model in laid.models), laid.aliases
        )

    async def rules(self) -> Sequence[BetaRule]:
        return await self._words.beta_rules()

    async def set_rule(self, rule: BetaRule, by: Author) -> None:
        """Raises InvalidRequest if no model has that public name."""
        if rule.model not in {EVERY_MODEL, *(model.name for model in self._catalog.models())}:
            raise InvalidRequest(f"model: {rule.model!r} is neither a public name nor '*'")
        await self._words.set_beta_rule(rule, by)
        await self.reload()

    async def drop_rule(self, model: str, beta: str, by: Author) -> None:
        """Back to the catalogue's word. Raises NotFound if there is no such rule."""
        if not await self._words.drop_beta_rule(model, beta, by):
            raise NotFound(f"There is no rule for {beta!r} on {model!r}.")
        await self.reload()

    async def models(self) -> Sequence[OperatorModel]:
        """Those of the operator's own."""
        return await self._words.operator_models()

    async def add_model(
        self,
        name: str,
        definition: Definition,
        id_: str | None,
        by: Author,
        *,
        may_undercut: bool,
    ) -> OperatorModel:
        """Raises InvalidRequest, Conflict (the name or the id was added before), PermissionDenied
        (a price below the shipped one, unless `may_undercut`)."""
        model = OperatorModel(id_ or str(uuid4()), name, definition)
        if not may_undercut:
            self._check_price(definition)
        self._check(model, await self._words.operator_models())
        if not await self._words.add_operator_model(model, by):
            raise Conflict(f"A model with the id {model.id!r} was added already.")
        await self.reload()
        return await self._found(model.id)

    async def update_model(
        self,
        id_: str,
        change: Callable[[OperatorModel], OperatorModel],
        by: Author,
        *,
        may_undercut: bool,
    ) -> OperatorModel:
        """Raises NotFound, InvalidRequest, Conflict, PermissionDenied (as `add_model`)."""
        before = await self._found(id_)
        model = change(before)
        # Limits of a model whose price the master key has set may be changed by others.
        priced = replace(model.definition, limits=before.definition.limits) != before.definition
        if priced and not may_undercut:
            self._check_price(model.definition)
        others = [other for other in await self._words.operator_models() if other.id != id_]
        self._check(model, others)
        await self._words.update_operator_model(model, by)
        await self.reload()
        return await self._found(id_)

    async def delete_model(self, id_: str, by: Author) -> OperatorModel:
        """Back to the catalogue's word. Raises NotFound."""
        model = await self._found(id_)
        await self._words.delete_operator_model(id_, by)
        await self.reload()
        return model

    async def _found(self, id_: str) -> OperatorModel:
        for model in await self._words.operator_models():
            if model.id == id_:
                return model
        raise NotFound(
            f"There is no model with the id {id_!r} among those added by /model/new; "
            "shipped models are changed by adding one of the same model_name."
        )

    def _check_price(self, definition: Definition) -> None:
        """Raises PermissionDenied for a price below the shipped one: an administrator's own budget
        would be worth more."""
        below = below_shipped(self._shipped, definition, self._clock.now().date())
        if below is not None:
            field, least = below
            raise PermissionDenied(
                f"litellm_params.{field}: only the master key may set a price below the shipped "
                f"one, {least.normalize():f} USD per token."
            )

    def _check(self, model: OperatorModel, others: Sequence[OperatorModel]) -> None:
        if any(other.name == model.name for other in others):
            raise Conflict(f"A model named {model.name!r} was added already.")
        laid = lay(self._shipped, [model], self._clock.now().date())
        if problem := laid.problems.get(model.id):
            raise InvalidRequest(problem)
        offered = next((m for m in laid.models if m.name == model.name), None)
        if offered is not None and not self._catalog.reaches(offered):
            raise InvalidRequest(
                f"litellm_params.model: {model.definition.target} cannot be reached from "
                f"{self._catalog.region}"
            )
