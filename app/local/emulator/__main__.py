"""`python -m app.local.emulator`: the emulator as a process of its own."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence

from app.local.emulator.options import EmulatorOptions
from app.local.emulator.server import running_emulator


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    defaults = EmulatorOptions()
    parser = argparse.ArgumentParser(prog="python -m app.local.emulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=4580, help="0 takes a free one")
    parser.add_argument("--access-key", default=defaults.access_key)
    parser.add_argument("--secret-key", default=defaults.secret_key)
    parser.add_argument("--session-token", default=None, help="asked for when given")
    parser.add_argument("--bearer-token", default=defaults.bearer_token)
    parser.add_argument("--region", default=None, help="the only one to sign for; default: any")
    parser.add_argument("--on-disconnect", choices=("stop", "finish"), default="stop")
    parser.add_argument("--tokens-per-delta", type=int, default=defaults.tokens_per_delta)
    return parser.parse_args(argv)


async def _serve(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running_emulator(**vars(arguments)) as emulator:
        print(f"Bedrock emulator listening on {emulator.url}", flush=True)
        await stop.wait()


def main(argv: Sequence[str]) -> None:
    asyncio.run(_serve(_arguments(argv)))


if __name__ == "__main__":
    main(sys.argv[1:])
