"""What a gateway does when it hears that something was changed elsewhere."""

from dataclasses import dataclass

from app.domain.identity import KeyHash
from app.service.authentication import Authenticator
from app.service.background import Background
from app.service.betas import Betas


@dataclass(frozen=True, slots=True)
class Changes:
    """Forgets keys that changed, and reads the models again."""

    authenticator: Authenticator
    betas: Betas
    background: Background

    def forget(self, key_hash: KeyHash) -> None:
        self.authenticator.forget(key_hash)

    def models_changed(self) -> None:
        self.background.start(self.betas.reload())

    def forget_all(self) -> None:
        self.authenticator.forget_all()
        self.models_changed()
