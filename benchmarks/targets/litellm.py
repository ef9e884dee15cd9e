"""LiteLLM's proxy from PyPI, pinned: without a database, and with one where Prisma's engine is."""

import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from app.local.ports import free_port
from benchmarks.bodies import MODEL
from benchmarks.install import python_environment, run
from benchmarks.processes import answers, megabytes, started
from benchmarks.targets.database import database
from benchmarks.targets.target import BOTH, Place, Running, local

START_SECONDS = 180
PRISMA_SECONDS = 180


@contextmanager
def litellm(place: Place) -> Iterator[Running]:
    """Its master key, its metrics, no budgets."""
    with _proxy(place, "litellm", {}) as running:
        yield running


@contextmanager
def litellm_with_database(place: Place) -> Iterator[Running]:
    """With PostgreSQL: Prisma's client and engine are made first, for which it asks its makers."""
    environment = python_environment("litellm")
    with database(place, "litellm-postgres") as (dsn, database_pid):
        variables = {"DATABASE_URL": dsn, "LITELLM_SALT_KEY": secrets.token_urlsafe(16)}
        _generate_prisma(environment, place.folder, variables)
        with _proxy(place, "litellm-db", variables, database_pid) as running:
            yield running


def _generate_prisma(environment: Path, folder: Path, variables: Mapping[str, str]) -> None:
    schema = next(environment.glob("lib/*/site-packages/litellm/proxy/schema.prisma"))
    run(
        [environment / "bin" / "prisma", "generate", f"--schema={schema}"],
        "Prisma's engine cannot be had here:",
        environment=_environment(environment, folder, variables),
        seconds=PRISMA_SECONDS,
    )


@contextmanager
def _proxy(
    place: Place, name: str, variables: Mapping[str, str], database_pid: int | None = None
) -> Iterator[Running]:
    environment, port = python_environment("litellm"), free_port()
    key = f"sk-{secrets.token_urlsafe(16)}"
    settings = place.folder / f"{name}.json"  # which is YAML too
    settings.write_text(json.dumps(_settings(place.bedrock)))
    since = time.monotonic()
    with started(
        "LiteLLM",
        [
            *(str(environment / "bin" / "litellm"), "--config", str(settings)),
            *("--host", "127.0.0.1", "--port", str(port), "--num_workers", str(place.workers)),
        ],
        log=place.folder / f"{name}.log",
        ready=answers(port, "/health/liveliness"),
        environment=_environment(
            environment, place.folder, {**variables, "LITELLM_MASTER_KEY": key}
        ),
        directory=place.folder,
        seconds=START_SECONDS,
    ) as process:
        yield Running(
            name,
            [local(port)],
            [process.pid],
            BOTH,
            keys={"one": [key]},
            database_pids=[database_pid] if database_pid else [],
            start_seconds=time.monotonic() - since,
            installed_mb=megabytes(environment / "lib"),
        )


def _settings(bedrock: str) -> dict[str, object]:
    return {
        "model_list": [
            {
                "model_name": MODEL,
                "litellm_params": {
                    "model": "bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0",
                    "aws_access_key_id": "AKIDOFLITELLM",
                    "aws_secret_access_key": "secret-of-litellm",
                    "aws_region_name": "us-east-1",
                    "aws_bedrock_runtime_endpoint": bedrock,
                },
            }
        ],
        "litellm_settings": {"callbacks": ["prometheus"], "telemetry": False},
        "general_settings": {"master_key": "os.environ/LITELLM_MASTER_KEY"},
    }


def _environment(folder: Path, home: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """As its makers advise for production, and without asking anybody for prices."""
    return {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "HOME": str(home),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        "LITELLM_MODE": "PRODUCTION",
        "NO_DOCS": "True",
        **variables,
    }
