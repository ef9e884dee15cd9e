import asyncio
import signal
import sys

import aiohttp


async def test_the_process_says_when_it_is_ready_and_stops_on_sigterm() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app.local.emulator",
        "--port",
        "0",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        line = (await process.stdout.readline()).decode()
        url = line.split()[-1]
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{url}/__emulator__/usage") as response,
        ):
            answer = await response.json()
        process.send_signal(signal.SIGTERM)
        _, errors = await process.communicate()

    assert line.startswith("Bedrock emulator listening on http://127.0.0.1:")
    assert answer == {"requests": []}
    assert (process.returncode, errors) == (0, b"")
