"""A real gateway with the emulator of Bedrock and a real PostgreSQL."""

import pytest

from tests.ops.support.world import World
from tests.support.processes import MASTER_KEY
from tests.support.stack import Stack


@pytest.fixture
def world(world: World, stack: Stack) -> World:
    """What is around the commands knows where the gateway is, and its key."""
    world.environ |= {
        "GATEWAY_URL": stack.gateway.public_url,
        "GATEWAY_INTERNAL_URL": stack.gateway.internal_url,
        "GATEWAY_MASTER_KEY": MASTER_KEY,
    }
    return world
