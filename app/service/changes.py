"""What a gateway does when it hears that something was changed elsewhere."""

from dataclasses import dataclass

from app.domain.identity import KeyHash
from app.service.authentication import Authenticator
from app.service.background import Background
from app.service.offer import Offer


@dataclass(frozen=True, slots=True)
class Changes:
    """Forgets keys that changed, and reads the models again."""

    authenticator: Authenticator
    offer: Offer
    background: Background

    def forget(self, key_hash: KeyHash) -> None:
        self.authenticator.forget(key_hash)

    def models_changed(self) -> None:
        self.background.start(self.offer.reload())

    def forget_keys(self) -> None:
        self.authenticator.forget_all()

    def heard_all(self, seconds_ago: float) -> None:
        self.authenticator.heard_all(seconds_ago)

    def forget_all(self) -> None:
        self.forget_keys()
        self.models_changed()
