"""What the operator said of models and beta flags, in PostgreSQL."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any, LiteralString, Protocol
from uuid import uuid4

from psycopg import errors
from psycopg.rows import class_row, dict_row, scalar_row
from psycopg.types.json import Jsonb

from app.catalog.catalog import Catalog
from app.catalog.model import Model
from app.catalog.overrides import (
    EVERY_MODEL,
    BetaRule,
    Definition,
    ModelOverride,
    below_shipped,
    definition_of,
    merge,
    with_beta_rules,
)
from app.core.ids import Author
from app.core.time import Clock
from app.database.database import Database
from app.database.errors import refused
from app.errors import Conflict, DatabaseUnavailable, InvalidRequest, NotFound, PermissionDenied


class ModelOverrideStore(Protocol):
    """What the operator said of models and of beta flags."""

    async def beta_rules(self) -> Sequence[BetaRule]: ...

    async def set_beta_rule(self, rule: BetaRule, by: Author) -> None: ...

    async def drop_beta_rule(self, model: str, beta: str, by: Author) -> bool:
        """Whether there was such a rule."""

    async def operator_models(self) -> Sequence[ModelOverride]:
        """In the order in which they were added."""

    async def add_operator_model(self, model: ModelOverride, by: Author) -> bool:
        """Whether it is there now; not if another one has its id. Raises Conflict for its name."""

    async def update_operator_model(self, model: ModelOverride, by: Author) -> None:
        """Raises Conflict if its name is taken."""

    async def delete_operator_model(self, id_: str, by: Author) -> None: ...


RULES: LiteralString = "SELECT model, beta, sent_as FROM beta_rule ORDER BY model, beta"

SET_RULE: LiteralString = """
INSERT INTO beta_rule (model, beta, sent_as) VALUES (%(model)s, %(beta)s, %(sent_as)s)
ON CONFLICT (model, beta) DO UPDATE SET sent_as = excluded.sent_as
"""

DROP_RULE: LiteralString = """
DELETE FROM beta_rule WHERE model = %(model)s AND beta = %(beta)s RETURNING beta
"""

MODELS: LiteralString = """
SELECT model_id, model_name, definition, created_at, updated_at
  FROM model_override ORDER BY created_at, model_id
"""

# Repeated after a lost answer, it finds itself.
ADD_MODEL: LiteralString = """
INSERT INTO model_override AS m (model_id, model_name, definition)
VALUES (%(model_id)s, %(model_name)s, %(definition)s)
ON CONFLICT (model_id) DO UPDATE SET model_id = m.model_id
 WHERE m.model_name = excluded.model_name AND m.definition = excluded.definition
RETURNING m.model_id
"""

UPDATE_MODEL: LiteralString = """
UPDATE model_override
   SET model_name = %(model_name)s, definition = %(definition)s, updated_at = now()
 WHERE model_id = %(model_id)s
"""

DELETE_MODEL: LiteralString = "DELETE FROM model_override WHERE model_id = %(model_id)s"


class PostgresModelOverrides:
    """Implements the port OperatorWords."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def beta_rules(self) -> Sequence[BetaRule]:
        return await self._database.rows(RULES, {}, class_row(BetaRule))

    async def set_beta_rule(self, rule: BetaRule, by: Author) -> None:
        await self._database.execute(SET_RULE, asdict(rule), by)

    async def drop_beta_rule(self, model: str, beta: str, by: Author) -> bool:
        values = {"model": model, "beta": beta}
        return bool(await self._database.rows(DROP_RULE, values, scalar_row, by))

    async def operator_models(self) -> Sequence[ModelOverride]:
        rows = await self._database.rows(MODELS, {}, dict_row)
        return [
            ModelOverride(
                id=row["model_id"],
                name=row["model_name"],
                definition=definition_of(row["definition"]),
                created_at=row["created_at"],
                updated_at=row["updated_at"],
            )
            for row in rows
        ]

    async def add_operator_model(self, model: ModelOverride, by: Author) -> bool:
        values = _values(model)
        try:
            return bool(await self._database.rows(ADD_MODEL, values, scalar_row, by))
        except errors.IntegrityError as error:
            raise refused(error, values) from error

    async def update_operator_model(self, model: ModelOverride, by: Author) -> None:
        values = _values(model)
        try:
            await self._database.execute(UPDATE_MODEL, values, by)
        except errors.IntegrityError as error:
            raise refused(error, values) from error

    async def delete_operator_model(self, id_: str, by: Author) -> None:
        await self._database.execute(DELETE_MODEL, {"model_id": id_}, by)


def _values(model: ModelOverride) -> dict[str, Any]:
    definition: Definition = model.definition
    return {
        "model_id": model.id,
        "model_name": model.name,
        "definition": Jsonb(definition.as_json()),
    }


log = logging.getLogger(__name__)


class ModelRegistry:
    """Merges the operator's models and beta rules with the shipped catalogue. Each gateway is
    notified of a change and reloads; while the database is unavailable, it keeps what it has."""

    def __init__(
        self, words: ModelOverrideStore, catalog: Catalog, shipped: Sequence[Model], clock: Clock
    ) -> None:
        self._words = words
        self._catalog = catalog
        self._shipped = shipped
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()

    async def reload(self) -> None:
        """Reloads run one at a time; each reads again, as the one before may have been too early
        to see the change."""
        async with self._one_at_a_time:
            await self._reload()

    async def _reload(self) -> None:
        try:
            rules = await self._words.beta_rules()
            models = await self._words.operator_models()
        except DatabaseUnavailable:
            log.warning("could not reload model overrides; keeping the current ones")
            return
        laid = merge(self._shipped, models, self._clock.now().date())
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

    async def models(self) -> Sequence[ModelOverride]:
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
    ) -> ModelOverride:
        """Raises InvalidRequest, Conflict (the name or the id was added before), PermissionDenied
        (a price below the shipped one, unless `may_undercut`)."""
        model = ModelOverride(id_ or str(uuid4()), name, definition)
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
        change: Callable[[ModelOverride], ModelOverride],
        by: Author,
        *,
        may_undercut: bool,
    ) -> ModelOverride:
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

    async def delete_model(self, id_: str, by: Author) -> ModelOverride:
        """Back to the catalogue's word. Raises NotFound."""
        model = await self._found(id_)
        await self._words.delete_operator_model(id_, by)
        await self.reload()
        return model

    async def _found(self, id_: str) -> ModelOverride:
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

    def _check(self, model: ModelOverride, others: Sequence[ModelOverride]) -> None:
        if any(other.name == model.name for other in others):
            raise Conflict(f"A model named {model.name!r} was added already.")
        laid = merge(self._shipped, [model], self._clock.now().date())
        if problem := laid.problems.get(model.id):
            raise InvalidRequest(problem)
        offered = next((m for m in laid.models if m.name == model.name), None)
        if offered is not None and not self._catalog.reaches(offered):
            raise InvalidRequest(
                f"litellm_params.model: {model.definition.target} cannot be reached from "
                f"{self._catalog.region}"
            )
