"""An honest stand-in for the runtime of Amazon Bedrock; `docs/emulator.md` says what it proves."""

from app.local.emulator.options import EmulatorOptions
from app.local.emulator.server import RunningEmulator, running_emulator

__all__ = ["EmulatorOptions", "RunningEmulator", "running_emulator"]
