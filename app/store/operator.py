"""What the operator said of models and beta flags, in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, LiteralString

from psycopg import errors
from psycopg.rows import class_row, dict_row, scalar_row
from psycopg.types.json import Jsonb

from app.domain.audit import Author
from app.domain.betas import BetaRule
from app.domain.operator_models import Definition, OperatorModel, definition_of
from app.store.database import Database
from app.store.refusals import refused

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


class PostgresOperatorWords:
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

    async def operator_models(self) -> Sequence[OperatorModel]:
        rows = await self._database.rows(MODELS, {}, dict_row)
        return [
            OperatorModel(
                id=row["model_id"],
                name=row["model_name"],
                definition=definition_of(row["definition"]),
                created_at=row["created_at"],
                updated_at=row["updated_at"],
            )
            for row in rows
        ]

    async def add_operator_model(self, model: OperatorModel, by: Author) -> bool:
        values = _values(model)
        try:
            return bool(await self._database.rows(ADD_MODEL, values, scalar_row, by))
        except errors.IntegrityError as error:
            raise refused(error, values) from error

    async def update_operator_model(self, model: OperatorModel, by: Author) -> None:
        values = _values(model)
        try:
            await self._database.execute(UPDATE_MODEL, values, by)
        except errors.IntegrityError as error:
            raise refused(error, values) from error

    async def delete_operator_model(self, id_: str, by: Author) -> None:
        await self._database.execute(DELETE_MODEL, {"model_id": id_}, by)


def _values(model: OperatorModel) -> dict[str, Any]:
    definition: Definition = model.definition
    return {
        "model_id": model.id,
        "model_name": model.name,
        "definition": Jsonb(definition.as_json()),
    }
