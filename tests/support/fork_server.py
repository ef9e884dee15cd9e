"""Gateways and emulators without the two seconds that a start of Python and its imports takes.

Each worker of pytest has one server: a process that imports what it is named, and then forks for
each order. It has one thread, no event loop, and no gRPC, so that a fork is as good as a start. An
order names a program, its arguments, environment and folder; with it come file
descriptors for stdout, stderr and the report. The server reports the pid, and later the exit code.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = {"app.main": "app.main", "app.local.emulator": "app.local.emulator.__main__"}
"""What `python -m` takes, and the module that it runs as `__main__`."""
ORDER_BYTES = 1 << 17
REPORT_BYTES = 16
START_SECONDS = 120


class Forked:
    """A process of the server's, with the parts of `subprocess.Popen` that tests use."""

    def __init__(self, report: socket.socket) -> None:
        self._report = report
        self._lock = threading.Lock()
        self.pid = int(report.recv(REPORT_BYTES))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, or minus the signal that ended it; None while it runs."""
        with self._lock:
            if self.returncode is None and self._reported():
                self.returncode = int(self._report.recv(REPORT_BYTES))
                self._report.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        deadline = time.monotonic() + timeout if timeout is not None else float("inf")
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
            time.sleep(0.005)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _reported(self) -> bool:
        poll = select.poll()
        poll.register(self._report, select.POLLIN)
        return bool(poll.poll(0))


class ForkServer:
    """The server as its worker sees it; it starts with the first order.

    `programs` are what may be ordered; `environment` is there while they are imported.
    """

    def __init__(
        self,
        programs: Mapping[str, str] = PROGRAMS,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._programs = programs
        self._environment = environment
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._orders: socket.socket | None = None

    def start(
        self,
        program: str,
        arguments: Sequence[str] = (),
        *,
        environment: Mapping[str, str],
        directory: Path,
        descriptors: Sequence[int],
    ) -> Forked:
        """`descriptors` become its stdout and stderr; `environment` is all of its environment."""
        order = json.dumps([program, list(arguments), dict(environment), str(directory)])
        ours, theirs = _pair()
        ours.settimeout(START_SECONDS)
        with theirs:
            socket.send_fds(self._running(), [order.encode()], [*descriptors, theirs.fileno()])
        return Forked(ours)

    def close(self) -> None:
        """End it, and with it what it forked."""
        if self._process and self._orders:
            self._orders.close()
            self._process.wait()

    def _running(self) -> socket.socket:
        with self._lock:
            if self._orders is None:
                self._orders, theirs = _pair()
                with theirs:
                    number = theirs.fileno()
                    programs = json.dumps(dict(self._programs))
                    self._process = subprocess.Popen(
                        [sys.executable, "-m", __name__, str(number), programs],
                        cwd=ROOT,
                        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
                        | dict(self._environment),
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        pass_fds=[number],
                    )
            return self._orders


def _pair() -> tuple[socket.socket, socket.socket]:
    """Each message arrives as it was sent, or not at all."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def _serve(orders: socket.socket) -> str | None:
    """Fork for each order. Returns the program to run in each child, and None in the server as soon
    as its worker has gone."""
    selector = selectors.DefaultSelector()
    selector.register(orders, selectors.EVENT_READ)
    children: dict[int, tuple[int, socket.socket]] = {}
    """By a descriptor that becomes readable at their end: the pid, and where to report to."""
    while True:
        for key, _ in selector.select():
            if key.fd in children:
                selector.unregister(key.fd)
                os.close(key.fd)
                _bury(*children.pop(key.fd))
                continue
            order, descriptors, _, _ = socket.recv_fds(orders, ORDER_BYTES, 3)
            if not order:
                for pid, report in children.values():
                    os.kill(pid, signal.SIGKILL)
                    _bury(pid, report)
                return None
            report = socket.socket(fileno=descriptors.pop())
            pid = os.fork()
            if pid == 0:
                selector.close()
                for number, (_, other) in children.items():
                    os.close(number)
                    other.close()
                report.close()
                orders.close()
                return _become(order, descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
            _tell(report, pid)
            number = os.pidfd_open(pid)
            children[number] = pid, report
            selector.register(number, selectors.EVENT_READ)


def _bury(pid: int, report: socket.socket) -> None:
    _, status = os.waitpid(pid, 0)
    _tell(report, os.waitstatus_to_exitcode(status))
    report.close()


def _tell(report: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):  # nobody waits for it
        report.send(str(number).encode())


def _become(order: bytes, descriptors: Sequence[int]) -> str:
    """Make this process what was ordered, and return the program to run."""
    program, arguments, environment, directory = json.loads(order)
    for number, descriptor in enumerate(descriptors, start=1):
        os.dup2(descriptor, number)
        os.close(descriptor)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(directory)
    sys.argv = [program, *arguments]
    return str(program)


def _main(number: str, given: str) -> None:
    programs = json.loads(given)
    for module in programs.values():
        importlib.import_module(module)
    gc.collect()
    gc.freeze()  # so that children share these pages
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the worker, and that ends this
    program = _serve(socket.socket(fileno=int(number)))
    if program is not None:
        del sys.modules[programs[program]]
        runpy.run_module(program, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
