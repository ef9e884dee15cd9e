"""`up`: bring up what is down, leave alone what runs, and undo it all when a part fails."""

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from app.local.aws import (
    EMULATED_ACCESS_KEY,
    EMULATED_SECRET_KEY,
    AwsEnvironment,
    find_aws,
)
from app.local.files import locked
from app.local.ports import HOST, demand, free_port
from app.local.postgres import PostgresError
from app.local.process import Daemon, environment_without
from app.local.stack_demo import demo_key
from app.local.stack_errors import StackError
from app.local.stack_launch import Bringing, advice, await_answer, launch
from app.local.stack_observability import demand_programs, drop_observers, start_observers
from app.local.stack_state import ROOT, Options, State, code_fingerprint, fingerprint

EMULATOR_STOP_SECONDS = 10.0
GATEWAY_STOP_SECONDS = 40.0
RESTART = "./dev down && ./dev up"


@dataclass(frozen=True, slots=True)
class Stack:
    """Everything that one needs to use the running stack."""

    options: Options
    dsn: str
    emulator_port: int | None
    metrics_port: int | None
    region: str
    master_key: str
    demo_key: str
    notices: tuple[str, ...]


def up(state: State, options: Options, say: Callable[[str], None]) -> Stack:
    """Start what does not run yet; whatever this call started is stopped again if it fails."""
    aws = find_aws() if options.bedrock == "aws" else None
    if options.observability:
        demand_programs()
    with locked(state.lock), ExitStack() as undo:
        bringing = Bringing(state, options, undo, say)
        _demand_ports(state.daemon("gateway"), options)
        dsn = _start_postgres(bringing)
        _migrate(bringing, dsn)
        emulator_port = None if aws else _start_emulator(bringing)
        aws = aws or AwsEnvironment.of_emulator(emulator_port or 0)
        notices = _start_gateway(bringing, dsn, aws)
        if options.bedrock == "aws":
            state.daemon("emulator").stop(EMULATOR_STOP_SECONDS)
        metrics_port = start_observers(bringing) if options.observability else None
        if not options.observability and (stopped := drop_observers(state)):
            say(f"Stopped: {', '.join(stopped)}; what they recorded stays")
        key = demo_key(state, options, say)
        undo.pop_all()
    return Stack(
        options, dsn, emulator_port, metrics_port, aws.region, state.master_key(), key, notices
    )


def _demand_ports(gateway: Daemon, options: Options) -> None:
    """Fail before anything is started; the ports of a gateway that runs are its own to reuse."""
    notes = gateway.notes() if gateway.pid() else {}
    own = {notes.get("port"), notes.get("internal_port")}
    for port, flag in ((options.port, "--port"), (options.internal_port, "--internal-port")):
        if str(port) not in own:
            demand(port, flag)


def _start_postgres(bringing: Bringing) -> str:
    started, server = time.monotonic(), bringing.state.postgres()
    ran = server.running()
    try:
        dsn = server.start()
    except (PostgresError, OSError) as error:
        raise StackError(f"{error}\n{advice('postgres')}") from error
    if not ran:
        bringing.undo.callback(server.stop)
    bringing.told(f"PostgreSQL {'runs' if ran else 'started'} on {HOST}:{server.port}", started)
    return dsn


def _migrate(bringing: Bringing, dsn: str) -> None:
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "app.database.migrate"],
        cwd=ROOT,
        env={**environment_without(), "DATABASE_URL": dsn},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        last = "\n".join(done.stdout.splitlines()[-15:])
        raise StackError(f"The migrations failed:\n{last}\n{advice('postgres')}")
    bringing.told("Migrations applied", started)


def _start_emulator(bringing: Bringing) -> int:
    daemon = bringing.state.daemon("emulator")
    last = int(daemon.notes().get("port", 0))
    if daemon.pid():
        bringing.say(f"Bedrock emulator runs on {HOST}:{last}")
        return last
    started, port = time.monotonic(), free_port(last)
    command = [sys.executable, "-m", "app.local.emulator", "--host", HOST, "--port", str(port)]
    command += ["--access-key", EMULATED_ACCESS_KEY, "--secret-key", EMULATED_SECRET_KEY]
    environment = {**environment_without(), "PYTHONUNBUFFERED": "1"}
    bringing.undo.callback(daemon.stop, EMULATOR_STOP_SECONDS)
    launch(daemon, command, environment, {"port": str(port)}, "/__emulator__/usage")
    bringing.told(f"Bedrock emulator started on {HOST}:{port}", started)
    return port


def _start_gateway(bringing: Bringing, dsn: str, aws: AwsEnvironment) -> tuple[str, ...]:
    """Start it, or restart it when its settings changed; say so when only its code did."""
    options, daemon, started = bringing.options, bringing.state.daemon("gateway"), time.monotonic()
    values = {
        "DATABASE_URL": dsn,
        "GATEWAY_MASTER_KEY": bringing.state.master_key(),
        "GATEWAY_HOST": HOST,
        "GATEWAY_PUBLIC_PORT": str(options.port),
        "GATEWAY_INTERNAL_PORT": str(options.internal_port),
        "GATEWAY_SPOOL_DIR": str(bringing.state.spool),
        **aws.variables,
    }
    notes, code, settings = daemon.notes(), code_fingerprint(), fingerprint(values)
    if daemon.pid():
        if notes.get("settings") == settings:
            await_answer(daemon, None, options.port, "/health/readiness")
            bringing.say(f"Gateway runs on {HOST}:{options.port}")
            return () if notes.get("code") == code else (f"The code changed since: {RESTART}",)
        bringing.say("Gateway stops, since its settings changed")
        daemon.stop(GATEWAY_STOP_SECONDS)
    bringing.undo.callback(daemon.stop, GATEWAY_STOP_SECONDS)
    bringing.state.spool.mkdir(parents=True, exist_ok=True)
    launch(
        daemon,
        [sys.executable, "-m", "app.main"],
        {**environment_without(*aws.hidden), **values},
        {
            "port": str(options.port),
            "internal_port": str(options.internal_port),
            "bedrock": options.bedrock,
            "settings": settings,
            "code": code,
        },
        "/health/readiness",
    )
    bringing.told(f"Gateway started on {HOST}:{options.port}", started)
    return ()
