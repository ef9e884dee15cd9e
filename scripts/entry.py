"""How an executable in this folder begins: in the project's own environment, from whatever Python
it is started by. It uses the standard library alone."""

import importlib
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"


def run(module: str, script: str) -> int:
    """The exit code of `module.run(arguments)`."""
    if Path(sys.prefix).resolve() != VENV.resolve():
        python = VENV / "bin" / "python"
        if not python.exists():
            sys.exit("There is no .venv yet; ./dev up makes it.")
        os.execv(python, [str(python), script, *sys.argv[1:]])
    sys.path[0] = str(ROOT)
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        sys.exit(f"The environment in .venv has no {error.name}; ./dev up installs it.")
    code: int = found.run(sys.argv[1:])
    return code
