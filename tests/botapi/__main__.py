"""`python -m tests.botapi --port N`: the server as a process; prints its address."""

from __future__ import annotations

import argparse
import asyncio
import signal

from tests.botapi.server import BotApi
from tests.botapi.state import TOKEN


async def serve(port: int, token: str) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with BotApi(port, token=token) as api:
        print(f"listening on {api.url}", flush=True)
        await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.botapi")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default=TOKEN)
    options = parser.parse_args()
    asyncio.run(serve(options.port, options.token))


if __name__ == "__main__":
    main()
