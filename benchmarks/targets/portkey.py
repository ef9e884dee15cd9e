"""Portkey's open gateway from npm: keeps no keys, no budgets and no database, so it does less."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

from app.local.ports import free_port
from benchmarks.install import node_modules
from benchmarks.processes import DidNotStart, answers, megabytes, started
from benchmarks.targets.target import BOTH, Place, Running, local

BEDROCK_ID = "us.anthropic.claude-haiku-4-5-20251001-v1:0"


@contextmanager
def portkey(place: Place) -> Iterator[Running]:
    """It is told in every request which provider to ask, and where."""
    node = shutil.which("node")
    if node is None:
        raise DidNotStart("node is not installed (Debian, Ubuntu: apt-get install nodejs)")
    modules, port = node_modules(), free_port()
    server = modules / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    headers = {
        "x-portkey-provider": "bedrock",
        "x-portkey-aws-access-key-id": "AKIDOFPORTKEY",
        "x-portkey-aws-secret-access-key": "secret-of-portkey",
        "x-portkey-aws-region": "us-east-1",
        "x-portkey-custom-host": place.bedrock,
    }
    since = time.monotonic()
    with started(
        "Portkey",
        [node, str(server), f"--port={port}", "--headless"],
        log=place.folder / "portkey.log",
        ready=answers(port),
        environment={
            "PATH": os.environ["PATH"],
            "NODE_ENV": "production",
            "TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost",
        },
        directory=place.folder,
    ) as process:
        yield Running(
            "portkey",
            [local(port)],
            [process.pid],
            BOTH,
            model=BEDROCK_ID,
            headers=headers,
            start_seconds=time.monotonic() - since,
            installed_mb=megabytes(modules),
        )
