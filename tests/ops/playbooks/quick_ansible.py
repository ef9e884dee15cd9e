"""`ansible-playbook` for the fork server: what it imports is there, and ops runs inside of Ansible.

The task that runs ops would start Python for Ansible's module, and again for ops; here it calls ops
and answers as the module does. Nothing else differs from a real run, which each playbook has too.
"""

import contextlib
import io
import os
import runpy
import sys
from typing import Any

from ansible import constants
from ansible.cli.playbook import main
from ansible.plugins.action import ActionBase

import ops.cli  # noqa: F401 - so that its forks need not

COMMAND = "ansible.legacy.command"

_execute_module = ActionBase._execute_module


def _execute(self: Any, module_name: str | None = None, *args: Any, **named: Any) -> Any:
    arguments = self._task.args
    if module_name != COMMAND or arguments.keys() != {"argv", "chdir"}:
        return _execute_module(self, module_name, *args, **named)
    python, *words = arguments["argv"]
    assert python == sys.executable
    assert words[:2] == ["-m", "ops"]
    return _ran(words[2:], arguments["chdir"])


def _ran(words: list[str], folder: str) -> dict[str, Any]:
    """What the module `command` would tell of `python -m ops`."""
    code: object = 0
    sys.argv = ["ops", *words]
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(io.StringIO()) as output,
        contextlib.redirect_stderr(io.StringIO()) as errors,
    ):
        try:
            runpy.run_module("ops", run_name="__main__")
        except SystemExit as end:
            code = end.code or 0
    told = {"stdout": output.getvalue().rstrip("\n"), "stderr": errors.getvalue().rstrip("\n")}
    failed = {"failed": True, "msg": "non-zero return code"} if code else {}
    return {"changed": True, "rc": int(str(code)), "cmd": ["ops", *words], **told, **failed}


if __name__ == "__main__":
    ActionBase._execute_module = _execute
    # Made at the import, and removed by the first play.
    os.makedirs(constants.DEFAULT_LOCAL_TMP, exist_ok=True)
    sys.exit(main())
