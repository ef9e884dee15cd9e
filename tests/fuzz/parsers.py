"""Runs the readers of bytes under libFuzzer, and keeps what it finds as the smallest input."""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.found import CORPUS, Figures, Finding
from tests.fuzz.targets import NUMBERS, SEEDS, TARGETS, WORDS
from tests.support.processes import ROOT

LONGEST = 4096
TEST_UNIT = re.compile(r"Test unit written to (\S+)")
PULSE_SECONDS = 600


def fuzz(name: str, cases: int, seed: int) -> Figures:
    """So many inputs for one target; it stops at the first that fails."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        corpus, words = Path(folder, "corpus"), Path(folder, "words")
        corpus.mkdir()
        for number, one in enumerate(SEEDS[name]):
            (corpus / f"seed-{number}").write_bytes(one)
        words.write_text("".join(f'"{word}"\n' for word in (*WORDS, *NUMBERS)))
        options = (f"-runs={cases}", f"-seed={seed}", f"-max_len={LONGEST}", f"-dict={words}")
        where = (f"-artifact_prefix={folder}/", str(corpus), str(CORPUS / name))
        output = _libfuzzer(name, *options, "-timeout=10", "-rss_limit_mb=1024", *where)
        findings = []
        if (written := TEST_UNIT.search(output)) is not None:
            findings.append(_kept(name, Path(written[1]).read_bytes(), output))
    return Figures(name, cases, time.monotonic() - started, tuple(findings))


def _libfuzzer(name: str, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.guided", name, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=PULSE_SECONDS * 6,
        check=False,
    )
    if done.returncode != 0 and not TEST_UNIT.search(done.stderr):
        raise RuntimeError(f"libFuzzer did not run: {done.stderr[-2000:]}")
    return done.stderr


def _kept(name: str, data: bytes, output: str) -> Finding:
    said = next((line for line in output.splitlines() if "Error" in line), "it did not return")
    return Finding(name, smallest(name, data), said)


def smallest(name: str, data: bytes) -> bytes:
    """Less and less of it, as long as it still fails."""
    size = max(1, len(data) // 2)
    while size:
        at = 0
        while at < len(data):
            shorter = data[:at] + data[at + size :]
            if fails(name, shorter):
                data = shorter
            else:
                at += size
        size //= 2
    return data


def fails(name: str, data: bytes) -> str | None:
    """What is wrong with an input, if anything is."""
    try:
        TARGETS[name](data)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what was looked for
        return f"{type(error).__name__}: {error}"
    return None
