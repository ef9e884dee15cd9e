"""Loopback ports: a free one, or who has one that is wanted."""

import shlex
import socket

import psutil

HOST = "127.0.0.1"


class PortBusy(Exception):
    """Another program listens on a port that is wanted; the message says what to do."""


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        # As servers do: a connection that lingers from the last run does not make a port busy.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def free_port(preferred: int = 0) -> int:
    """The preferred port if it is free, else one of the system's choosing."""
    if preferred and is_free(preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def demand(port: int, flag: str) -> None:
    """Raise `PortBusy` unless the port is free; `flag` is the option that chooses another."""
    if not is_free(port):
        raise PortBusy(
            f"Port {port} is in use{_holder(port)}. Stop that, or choose another: {flag} PORT"
        )


def _holder(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.pid
            if listens and getattr(connection.laddr, "port", 0) == port:
                command = shlex.join(psutil.Process(connection.pid).cmdline())
                return f" by process {connection.pid} ({command[:120]})"
    except psutil.Error:
        pass  # another user's process, or a system that does not tell
    return ""
