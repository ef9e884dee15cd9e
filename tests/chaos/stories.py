"""All stories, in the order in which they are told; and how one is."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from tests.chaos.faults import around, database, deployment, gateways, upstream
from tests.chaos.server import Server, server
from tests.chaos.story import Place, Report, Size, Story
from tests.support.processes import EmulatorProcess, emulator_process

STORIES: Final = (
    *gateways.STORIES,
    *database.STORIES,
    *upstream.STORIES,
    *around.STORIES,
    *deployment.STORIES,
)


@dataclass(frozen=True, slots=True)
class Ground:
    """What stories have in common; each leaves it as it was."""

    server: Server
    emulator: EmulatorProcess


@contextmanager
def ground() -> Iterator[Ground]:
    with server() as one, emulator_process() as emulator:
        yield Ground(one, emulator)


async def told(story: Story, on: Ground, size: Size, seed: int) -> Report:
    """On a database and in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        place = Place(
            on.server, on.emulator, on.server.new_database(), Path(folder), size, Random(seed)
        )
        return await story.tell(place)
