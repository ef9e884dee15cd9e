"""CloudFront's functions, run by Node and by njs, a relative of CloudFront's own engine."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Answer = dict[str, Any]

NODE = """
const vm = require('vm');
const fs = require('fs');
const input = JSON.parse(fs.readFileSync(process.argv[1], 'utf8'));
const context = vm.createContext({}, { codeGeneration: { strings: false, wasm: false } });
vm.runInContext(input.code, context);
const answers = input.events.map((event) => {
  context.event = event;
  return JSON.parse(vm.runInContext('JSON.stringify(handler(event))', context, { timeout: 1000 }));
});
process.stdout.write(JSON.stringify(answers));
"""
NJS = """
const EVENTS = %s;
const text = JSON.stringify(EVENTS.map((event) => handler(event)));
for (let i = 0; i < text.length; i += 400) {
  console.log(text.slice(i, i + 400));
}
"""
"""njs cuts long lines of its log."""


def engines() -> list[str]:
    """Those that this machine has."""
    return [one for one in ("node", "njs") if shutil.which(one)]


def event(uri: str, method: str = "GET", **headers: str) -> dict[str, Any]:
    """What CloudFront gives to a function at a viewer's request."""
    return {
        "version": "1.0",
        "context": {"eventType": "viewer-request", "distributionId": "EXAMPLE"},
        "viewer": {"ip": "198.51.100.7"},
        "request": {
            "method": method,
            "uri": uri,
            "querystring": {},
            "headers": {
                "host": {"value": "d111111abcdef8.cloudfront.net"},
                **{name.replace("_", "-"): {"value": value} for name, value in headers.items()},
            },
            "cookies": {},
        },
    }


def run(engine: str, code: str, events: Sequence[dict[str, Any]], folder: Path) -> list[Answer]:
    """The function's answers, in one run of the engine."""
    if engine == "node":
        file = folder / "events.json"
        file.write_text(json.dumps({"code": code, "events": list(events)}))
        command = ["node", "-e", NODE, str(file)]
    else:
        file = folder / "function.js"
        file.write_text(code + NJS % json.dumps(list(events)))
        command = ["njs", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    answers: list[Answer] = json.loads(done.stdout.replace("\n", ""))
    return answers
