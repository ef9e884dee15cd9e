"""`up`: bring up what is down, leave alone what runs, and undo it all when a part fails."""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from app.local.aws import (
    EMULATED_ACCESS_KEY,
    EMULATED_SECRET_KEY,
    AwsEnvironment,
    find_aws,
)
from app.local.files import locked, tail
from app.local.ports import HOST, demand, free_port
from app.local.postgres import PostgresError
from app.local.process import Daemon, environment_without, let_go
from app.local.stack_demo import demo_key
from app.local.stack_errors import StackError
from app.local.stack_probe import health
from app.local.stack_state import ROOT, Options, State, code_fingerprint, fingerprint

READY_SECONDS = 30.0
EMULATOR_STOP_SECONDS = 10.0
GATEWAY_STOP_SECONDS = 40.0
RESTART = "./dev down && ./dev up"


@dataclass(frozen=True, slots=True)
class Stack:
    """Everything that one needs to use the running stack."""

    options: Options
    dsn: str
    emulator_port: int | None
    region: str
    master_key: str
    demo_key: str
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bringing:
    """One call of `up`: whose state, what is to be undone, and where progress is told."""

    state: State
    options: Options
    undo: ExitStack
    say: Callable[[str], None]

    def told(self, what: str, since: float) -> None:
        self.say(f"{what} ({time.monotonic() - since:.1f} s)")


def up(state: State, options: Options, say: Callable[[str], None]) -> Stack:
    """Start what does not run yet; whatever this call started is stopped again if it fails."""
    aws = find_aws() if options.bedrock == "aws" else None
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
        key = demo_key(state, options, say)
        undo.pop_all()
    return Stack(options, dsn, emulator_port, aws.region, state.master_key(), key, notices)


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
        raise StackError(f"{error}\n{_advice('postgres')}") from error
    if not ran:
        bringing.undo.callback(server.stop)
    bringing.told(f"PostgreSQL {'runs' if ran else 'started'} on {HOST}:{server.port}", started)
    return dsn


def _migrate(bringing: Bringing, dsn: str) -> None:
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "app.store.migrate"],
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
        raise StackError(f"The migrations failed:\n{last}\n{_advice('postgres')}")
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
    _launch(daemon, command, environment, {"port": str(port)}, "/__emulator__/usage")
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
            _await_answer(daemon, None, options.port, "/health/readiness")
            bringing.say(f"Gateway runs on {HOST}:{options.port}")
            return () if notes.get("code") == code else (f"The code changed since: {RESTART}",)
        bringing.say("Gateway stops, since its settings changed")
        daemon.stop(GATEWAY_STOP_SECONDS)
    bringing.undo.callback(daemon.stop, GATEWAY_STOP_SECONDS)
    bringing.state.spool.mkdir(parents=True, exist_ok=True)
    _launch(
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


def _launch(
    daemon: Daemon,
    command: list[str],
    environment: Mapping[str, str],
    notes: Mapping[str, str],
    path: str,
) -> None:
    logged = daemon.log.stat().st_size if daemon.log.exists() else 0
    child = daemon.start(command, environment=environment, directory=ROOT, notes=notes)
    try:
        _await_answer(daemon, child, int(notes["port"]), path, logged)
    finally:
        let_go(child)


def _await_answer(
    daemon: Daemon,
    child: "subprocess.Popen[bytes] | None",
    port: int,
    path: str,
    logged: int = 0,
) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        state = health(port, path)
        if state == "ok":
            return
        if child and child.poll() is not None:
            state = f"ended with exit code {child.returncode}"
        elif time.monotonic() < deadline:
            time.sleep(0.02)
            continue
        raise StackError(
            f"The {daemon.name} is not ready: {state}. {daemon.log} ends:\n"
            f"{tail(daemon.log, start=logged)}\n{_advice(daemon.name)}"
        )


def _advice(part: str) -> str:
    return f"More: ./dev logs {part}. Once the cause is gone: ./dev up"
