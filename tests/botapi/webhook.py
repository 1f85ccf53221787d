"""Delivery of updates to the bot's webhook."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable

from aiohttp import ClientError, ClientSession, ClientTimeout

from tests.botapi.model import Json
from tests.botapi.state import State
from tests.botapi.updates import Hook

Execute = Callable[[Json], Awaitable[None]]
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0


def _queue_key(update: Json) -> int:
    payload: Json = next(v for k, v in update.items() if k != "update_id")
    chat = payload.get("chat") or (payload.get("message") or {}).get("chat") or {}
    return int(chat.get("id", 0))


class HookDelivery:
    """Posts updates: in order within a chat, chats side by side, again until answered with 2xx.

    `execute` carries out a method call found in the hook's JSON answer.
    """

    def __init__(self, state: State, execute: Execute) -> None:
        self._state = state
        self._execute = execute
        self._busy: set[int] = set()

    async def run(self) -> None:
        timeout = ClientTimeout(total=60)
        async with ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as group:
            while True:
                for update in self._due():
                    self._busy.add(_queue_key(update))
                    group.create_task(self._deliver(session, update))
                await self._state.changed.until(self._due, 3600)

    def _due(self) -> list[Json]:
        hook = self._state.updates.hook
        if hook is None:
            return []
        first: dict[int, Json] = {}
        for update in self._state.updates.queue:
            first.setdefault(_queue_key(update), update)
        free = [u for key, u in first.items() if key not in self._busy]
        return free[: max(hook.max_connections - len(self._busy), 0)]

    async def _deliver(self, session: ClientSession, update: Json) -> None:
        pause = FIRST_PAUSE
        try:
            while (hook := self._state.updates.hook) and update in self._state.updates.queue:
                wait = await self._attempt(session, hook, update)
                if wait is None:
                    return
                await asyncio.sleep(wait or pause)
                pause = min(pause * 2, LONGEST_PAUSE)
        finally:
            self._busy.discard(_queue_key(update))
            self._state.changed.fire()

    async def _attempt(self, session: ClientSession, hook: Hook, update: Json) -> float | None:
        """None when delivered, else the pause the hook asked for (0: none asked)."""
        call = self._state.log_call("webhook", {"update_id": update["update_id"]})
        headers = {"X-Telegram-Bot-Api-Secret-Token": hook.secret} if hook.secret else {}
        try:
            if self._state.faults.offline:
                raise ConnectionError
            async with session.post(hook.url, json=update, headers=headers) as response:
                body = await response.read()
                status = f"{response.status} {response.reason}"
                after = response.headers.get("Retry-After", "")
                self._state.close_call(call, response.status)
        except (ClientError, OSError, TimeoutError):
            self._state.close_call(call, 0, "Connection refused")
            self._failed(hook, "Connection refused")
            return 0.0
        if not response.ok:
            self._failed(hook, f"Wrong response from the webhook: {status}")
            return float(after) if after.isdigit() else 0.0
        self._state.updates.forget(update["update_id"])
        await self._carry_out(body)
        return None

    async def _carry_out(self, body: bytes) -> None:
        try:
            answer = json.loads(body or b"null")
        except ValueError:
            return
        if isinstance(answer, dict) and "method" in answer:
            await self._execute(answer)

    def _failed(self, hook: Hook, error: str) -> None:
        hook.last_error = error
        hook.last_error_date = int(time.time())
