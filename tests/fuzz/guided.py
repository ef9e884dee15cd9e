"""Runs a target under libFuzzer, by atheris: `python -m tests.fuzz.guided NAME [libFuzzer's own]`.

A process of its own, since libFuzzer ends it; the code of the gateway is instrumented as it is
imported, so that an input which reaches a new branch is kept and varied further.
"""

import sys

import atheris

with atheris.instrument_imports(include=["app"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
