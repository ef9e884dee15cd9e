"""A few real, tiny requests."""

import argparse

from ops.context import Context
from ops.exits import Exit
from ops.gateway import INTERNAL, internal_option, public_option, public_url
from ops.result import Level, Note, Result
from ops.smoke import KEY, Smoke, key_for_smoke, passed, sections

HELP = "health, models, and one message each, streamed and not; says what it cost"


def arguments(parser: argparse.ArgumentParser) -> None:
    public_option(parser)
    internal_option(parser)
    parser.add_argument("--model", help="model to ask; without, the first Haiku of the key")


def run(context: Context, args: argparse.Namespace) -> Result:
    url = public_url(context, args)
    internal = args.internal_url or context.environ.get(INTERNAL)
    with key_for_smoke(context, internal) as key:
        checks = Smoke(url, key, args.model).run()
    shown = sections(checks)
    if key is None:
        text = f"Without a key no model was asked: set {KEY}, or --internal-url to make one."
        shown.append(Note(text, Level.WARNING))
    return Result(f"Smoke test of {url}", shown, exit=Exit.OK if passed(checks) else Exit.FAILED)
