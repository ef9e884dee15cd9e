"""Why `./dev` does not work here, or that it should: `./dev doctor`.

It needs nothing but Python's standard library, changes nothing, and says for each thing what was
found and, where that is not good, what to do. Exit code 1 when something keeps `./dev up` from
working.
"""

import argparse
import importlib.util
import json
import os
import platform
import resource
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final, Literal

Level = Literal["ok", "note", "FAIL"]

PORTS: Final = {4000: "--port", 4001: "--internal-port"}
GIGABYTE: Final = 1_000_000_000
SPACE_NEEDED, SPACE_WANTED = 1 * GIGABYTE, 4 * GIGABYTE
FILES_WANTED: Final = 1024
INDEX_SECONDS: Final = 30

TOOLS: Final = {
    "git": ("git", "the history's tests"),
    "npm": ("npm", "the tests with Claude Code and the TypeScript SDK"),
    "buildah": ("buildah", "building the image (root)"),
    "mmdebstrap": ("mmdebstrap", "building the image (root)"),
    "chromium": ("chromium", "the tests of pages in a browser"),
    "nginx": ("nginx-light libnginx-mod-http-js", "the edge's tests"),
    "njs": ("njs", "the edge's tests"),
    "victoria-metrics": ("victoria-metrics", "./dev up --observability, the dashboards' tests"),
    "promtool": ("prometheus", "the alerts' tests"),
    "prometheus-alertmanager": ("prometheus-alertmanager", "the alerts' tests"),
}
"""Programs without which some tests are skipped: their Debian packages, and what they are for."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: how it is, and, where that is not good, what to do.

    A command stands on a line of its own and can be pasted: with prose after it,
    `rm -rf X, and ./dev …` would delete more than X.
    """

    level: Level
    what: str
    advice: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """The checkout that is looked at, and the environment variables it is used with."""

    root: Path
    variables: Mapping[str, str]

    @property
    def python(self) -> Path:
        return self.root / ".venv" / "bin" / "python"


def the_interpreter(_: Place) -> Iterator[Finding]:
    bits = struct.calcsize("P") * 8
    what = f"Python {platform.python_version()}, {bits} bit, {platform.machine()}: {sys.executable}"
    if bits < 64:
        yield Finding("FAIL", what, "PostgreSQL comes for 64 bit alone: use such a Python.")
    elif platform.system() == "Linux" and platform.libc_ver()[0] != "glibc":
        yield Finding(
            "FAIL", f"{what}, without glibc", "PostgreSQL comes for glibc: use Debian or Ubuntu."
        )
    elif not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        package = f"python{version}-venv"
        yield Finding("FAIL", f"{what}, without venv", command=f"apt-get install {package}")
    else:
        yield Finding("ok", what)


def the_checkout(place: Place) -> Iterator[Finding]:
    for folder in (place.root, place.root / ".local", place.root / ".venv"):
        if folder.exists() and not os.access(folder, os.W_OK):
            owner = folder.stat().st_uid
            yield Finding(
                "FAIL",
                f"{folder} belongs to user {owner}, and you are {os.geteuid()}",
                "Work as that user, or remove what another one made.",
            )
            return
    yield Finding("ok", f"{place.root} can be written to")


def the_space(place: Place) -> Iterator[Finding]:
    free = shutil.disk_usage(place.root).free
    what = f"{free / GIGABYTE:.1f} GB are free"
    if free < SPACE_NEEDED:
        yield Finding("FAIL", what, f"Packages and data need {SPACE_NEEDED / GIGABYTE:.0f} GB.")
    elif free < SPACE_WANTED:
        yield Finding("note", what, f"All tests need {SPACE_WANTED / GIGABYTE:.0f} GB.")
    else:
        yield Finding("ok", what)


def the_packages(place: Place) -> Iterator[Finding]:
    venv = place.root / ".venv"
    try:
        stamp = json.loads((venv / "installed.json").read_text())
    except (OSError, ValueError):
        stamp = {}
    if not place.python.exists():
        again = " (a link to a Python that is gone)" if place.python.is_symlink() else ""
        yield Finding("ok", f"There is no .venv yet{again}: ./dev makes it")
    elif stamp.get("folder") != str(venv):
        how = "was made in another folder" if stamp else "is half made"
        yield Finding("note", f".venv {how}", "./dev makes it anew.")
    elif lost := _lost(venv):
        what = f".venv has lost files of {', '.join(lost)}"
        advice = "Delete it; the next ./dev makes it again:"
        yield Finding("FAIL", what, advice, f"rm -rf {shlex.quote(str(venv))}")
    else:
        names = [name for name in ("gateway", "local", "ops", "dev") if name in stamp]
        yield Finding("ok", f".venv holds the packages of {', '.join(names)}")
        return
    yield from _the_index()


def _lost(venv: Path) -> list[str]:
    """Packages of which not every file is there any more."""
    folders = [str(one) for one in venv.glob("lib/python3*/site-packages")]
    found = {one.name: one.files or () for one in metadata.distributions(path=folders)}
    return [name for name, files in found.items() if any(map(_is_gone, files))]


def _is_gone(file: metadata.PackagePath) -> bool:
    return not os.path.lexists(file.locate())


def _the_index() -> Iterator[Finding]:
    """Whether packages can be had: asked of pip, which knows its proxies and certificates."""
    command = [sys.executable, "-m", "pip", "index", "versions", "idna"]
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=INDEX_SECONDS
        )
    except subprocess.TimeoutExpired:
        yield Finding("FAIL", f"No package index answers within {INDEX_SECONDS} s", INDEX_ADVICE)
        return
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
        yield Finding("FAIL", f"No package index answers: {last[:200]}", INDEX_ADVICE)
    else:
        yield Finding("ok", "The package index answers")


INDEX_ADVICE: Final = (
    "Behind a proxy set HTTPS_PROXY; with an index of your own PIP_INDEX_URL; with a CA of your "
    "own PIP_CERT."
)


def the_ports(place: Place) -> Iterator[Finding]:
    running = (place.root / ".local" / "run" / "gateway.json").exists()
    for port, flag in PORTS.items():
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                continue
        if running:
            yield Finding("ok", f"Port {port} is in use, probably by the gateway: ./dev status")
        else:
            yield Finding(
                "note",
                f"Port {port} is in use by another program",
                "Choose another one:",
                f"./dev up {flag} {port + 100}",
            )
            return
    if not running:
        yield Finding("ok", "Ports 4000 and 4001 are free")


def the_limits(_: Place) -> Iterator[Finding]:
    files, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files < FILES_WANTED:
        what = f"{files} files may be open at once"
        yield Finding("note", what, command=f"ulimit -n {FILES_WANTED}")
    if os.geteuid() == 0:
        yield Finding(
            "note",
            "You are root",
            "PostgreSQL refuses root, so it runs as nobody; with data in /var/lib where nobody "
            "cannot reach the checkout.",
        )


def the_variables(place: Place) -> Iterator[Finding]:
    given = place.variables
    proxy = given.get("HTTP_PROXY") or given.get("http_proxy")
    spared = f"{given.get('NO_PROXY', '')},{given.get('no_proxy', '')}"
    if proxy and "127.0.0.1" not in spared:
        yield Finding(
            "note",
            "A proxy is set, also for 127.0.0.1",
            "Except this machine, or clients look for the gateway behind the proxy:",
            "export NO_PROXY=127.0.0.1,localhost",
        )
    for name in ("CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "ANTHROPIC_API_KEY"):
        if given.get(name):
            yield Finding(
                "note",
                f"{name} is set",
                "Claude Code may go by it instead of the gateway's lines, see "
                "docs/claude-code-config.md. Unset it:",
                f"unset {name}",
            )


def the_tools(_: Place) -> Iterator[Finding]:
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    missing = [name for name in TOOLS if shutil.which(name, path=path) is None]
    if not missing:
        yield Finding("ok", "Every program that tests need is there")
        return
    packages = " ".join(dict.fromkeys(TOOLS[name][0] for name in missing))
    wanted = "; ".join(f"{name}: {TOOLS[name][1]}" for name in missing)
    what = f"Some tests are skipped ({wanted})"
    yield Finding("note", what, command=f"apt-get install {packages}")


def the_data(place: Place) -> Iterator[Finding]:
    """The database of ./dev up; its directory may be a link to where root's server can reach it."""
    folder = place.root / ".local" / "postgres"
    if not folder.exists():
        return
    if (folder / "cluster" / "data" / "PG_VERSION").exists():
        yield Finding("ok", f"The data of ./dev up are in {folder}")
    elif os.access(folder / "cluster", os.X_OK) or not os.path.lexists(folder / "cluster"):
        yield Finding(
            "note",
            f"The data directory of PostgreSQL in {folder} was deleted",
            "Keys and spend are gone. This makes a new, empty database:",
            "./dev up",
        )


CHECKS: Final[tuple[Callable[[Place], Iterator[Finding]], ...]] = (
    the_interpreter,
    the_checkout,
    the_space,
    the_packages,
    the_ports,
    the_data,
    the_limits,
    the_variables,
    the_tools,
)


def findings(place: Place) -> Iterator[Finding]:
    for check in CHECKS:
        yield from check(place)


def main() -> int:
    argparse.ArgumentParser(prog="./dev doctor", description=__doc__).parse_args()
    place = Place(Path(__file__).resolve().parent.parent, os.environ)
    failed = False
    for finding in findings(place):
        failed = failed or finding.level == "FAIL"
        print(f"{finding.level:5} {finding.what}")
        if finding.advice:
            print(f"      -> {finding.advice}")
        if finding.command:
            print(
                f"         $ {finding.command}" if finding.advice else f"      -> {finding.command}"
            )
    print("\n./dev up will not work here yet." if failed else "\n./dev up should work here.")
    return int(failed)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `./dev doctor | head` is no fault
    sys.exit(main())
