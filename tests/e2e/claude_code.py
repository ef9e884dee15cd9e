"""The real Claude Code, at the pinned version, run against a gateway in print mode."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest

PACKAGES = Path(__file__).parent / "node_clients" / "node_modules" / "@anthropic-ai"
SECONDS = 90


@dataclass(frozen=True, slots=True)
class ClaudeRun:
    """How one run ended, and the JSON object that it printed."""

    exit_code: int
    output: Mapping[str, Any]
    stderr: str

    @property
    def text(self) -> str:
        return str(self.output.get("result", ""))


def binary() -> Path:
    """The native client, or a skip that says how to get it."""
    found = sorted(PACKAGES.glob("claude-code-*/claude"))
    if not found:
        pytest.skip("Claude Code is not installed: ./dev test installs it where npm is")
    return found[0]


async def run_claude(
    base_url: str,
    token: str,
    prompt: str,
    *,
    model: str | None = None,
    args: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    home: Path | None = None,
) -> ClaudeRun:
    """Ask one question in a fresh home, or the one given, and its folder `work`; `env` adds to a
    bare environment."""
    command = [str(binary()), "-p", prompt, "--output-format", "json"]
    command += ["--model", model] if model else []
    with tempfile.TemporaryDirectory(prefix="claude-code-") as fresh:
        lived_in = str(home or fresh)
        folder = anyio.Path(lived_in, "work")
        await folder.mkdir(exist_ok=True)
        with anyio.fail_after(SECONDS):
            done = await anyio.run_process(
                [*command, *args],
                check=False,
                cwd=folder,
                env={**_bare_environment(lived_in, base_url, token), **(env or {})},
            )
    stdout, stderr = done.stdout.decode(), done.stderr.decode()
    try:
        output = json.loads(stdout)
    except ValueError:
        raise AssertionError(f"exit code {done.returncode}\n{stdout}\n{stderr}") from None
    return ClaudeRun(done.returncode, output, stderr)


def _bare_environment(home: str, base_url: str, token: str) -> dict[str, str]:
    """Nothing is inherited: variables of a session around the tests would steer the client."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": home,
        "TERM": "dumb",
        "LANG": "C.UTF-8",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_TELEMETRY": "1",
        "DISABLE_ERROR_REPORTING": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "ANTHROPIC_BASE_URL": base_url,
        "ANTHROPIC_AUTH_TOKEN": token,
    }
