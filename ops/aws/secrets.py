"""Values in Secrets Manager, and the stages that say which of them counts."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from ops.aws.errors import translated
from ops.context import Context
from ops.errors import NotFound

CURRENT: Final = "AWSCURRENT"
PENDING: Final = "AWSPENDING"


@dataclass(frozen=True, slots=True)
class Value:
    """One version of a secret."""

    version: str
    text: str = field(repr=False)
    created: datetime | None = None


class Secret:
    """One secret by its full name. Raises OpsError, all of it."""

    def __init__(self, context: Context, name: str) -> None:
        self._client = context.aws("secretsmanager")
        self._name = name

    def current(self) -> Value:
        with translated():
            answer = self._client.get_secret_value(SecretId=self._name, VersionStage=CURRENT)
        text = answer.get("SecretString", "").strip()
        if not text:
            raise NotFound(f"The secret {self._name} is empty.", "Put a value in first.")
        return Value(answer["VersionId"], text, answer.get("CreatedDate"))

    def stages(self) -> dict[str, str]:
        """The version that each stage is at."""
        with translated():
            answer = self._client.describe_secret(SecretId=self._name)
        versions = answer.get("VersionIdsToStages", {})
        return {stage: version for version, stages in versions.items() for stage in stages}

    def put_pending(self, text: str) -> Value:
        """A value that nobody reads yet."""
        with translated():
            answer = self._client.put_secret_value(
                SecretId=self._name, SecretString=text, VersionStages=[PENDING]
            )
        return Value(answer["VersionId"], text)

    def move(self, stage: str, *, to: str | None = None, off: str | None = None) -> None:
        """Put a stage on one version and take it off another."""
        with translated():
            request = {"MoveToVersionId": to, "RemoveFromVersionId": off}
            self._client.update_secret_version_stage(
                SecretId=self._name,
                VersionStage=stage,
                **{key: value for key, value in request.items() if value is not None},
            )
