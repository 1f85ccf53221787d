"""What a test can do to the world: people writing, pressing, blocking; failures; looking back.

Arguments and results are JSON, so that the same operations serve Python calls and /control/… .
"""

from __future__ import annotations

import base64
import inspect
import re
import time
from typing import Any

from tests.botapi.account import member
from tests.botapi.faults import Fault, RateLimits
from tests.botapi.model import ControlError, DroppedError, Json, find_button
from tests.botapi.state import Query, Room, State

_COMMAND = re.compile(r"/[A-Za-z0-9_]{1,32}(@\w+)?")
_SEEING = ("member", "administrator", "creator")
MAX_WAIT = 25.0


class Operations:
    """Each public coroutine or method but `run` is an operation; errors are ControlError."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def run(self, name: str, args: Json) -> Any:
        operation = None if name.startswith("_") or name == "run" else getattr(self, name, None)
        if operation is None:
            raise ControlError(f"no operation {name}")
        try:
            inspect.signature(operation).bind(**args)
        except TypeError as error:
            raise ControlError(f"{name}: {error}") from error
        result = operation(**args)
        return await result if inspect.isawaitable(result) else result

    # The world

    def meet(self, user: Json) -> Json:
        """The user has started the bot some time ago."""
        return self._state.know(user).info

    def make_group(
        self, title: str, kind: str = "supergroup", bot_status: str = "administrator"
    ) -> Json:
        base = -5_000_000_000 if kind == "group" else -1_001_000_000_000
        return self._make_room(base, title, kind, bot_status).info

    def make_channel(
        self, title: str, discussion: int | None = None, username: str | None = None
    ) -> Json:
        room = self._make_room(-1_001_000_000_000, title, "channel", "administrator")
        if username:
            room.info["username"] = username
        if discussion:
            group = self._state.room(discussion)
            room.linked, group.linked = group.id, room.id
        return room.info

    def _make_room(self, base: int, title: str, kind: str, bot_status: str) -> Room:
        room = Room({"id": base - next(self._state.numbers), "type": kind, "title": title})
        room.bot_status = bot_status
        self._state.rooms[room.id] = room
        return room

    def set_bot_status(self, chat_id: int, status: str, by: Json) -> None:
        """Block (`kicked`), unblock or add (`member`), promote, remove; the bot is told."""
        state = self._state
        room = state.know(by) if chat_id == by["id"] else state.room(chat_id)
        old, room.bot_status = room.bot_status, status
        change = self._status_change(room, by, state.bot, old, status)
        state.updates.push("my_chat_member", change)

    def set_member(self, chat_id: int, user: Json, status: str) -> None:
        room = self._state.room(chat_id)
        self._state.users[user["id"]] = user
        old = room.members.get(user["id"], "left")
        room.members[user["id"]] = status
        change = self._status_change(room, user, user, old, status)
        self._state.updates.push("chat_member", change)

    def _status_change(self, room: Room, by: Json, who: Json, old: str, new: str) -> Json:
        return {
            "chat": room.info,
            "from": by,
            "date": int(time.time()),
            "old_chat_member": member(self._state, room, who, old),
            "new_chat_member": member(self._state, room, who, new),
        }

    # People writing

    def upload(self, kind: str, data: str, name: str = "", mime: str = "") -> Json:
        """data: base64."""
        return self._state.store_file(kind, name, base64.b64decode(data), mime)

    def download(self, file_id: str) -> str:
        if file_id not in self._state.files:
            raise ControlError(f"no file {file_id}")
        return base64.b64encode(self._state.files[file_id].data).decode()

    def says(
        self,
        user: Json,
        content: Json,
        chat_id: int | None = None,
        reply_to: int | None = None,
        thread: int | None = None,
        date: int | None = None,
    ) -> Json:
        state = self._state
        if chat_id in (None, user["id"]):
            room = state.know(user)
            if room.bot_status == "kicked":
                self.set_bot_status(room.id, "member", user)
        else:
            room = state.room(chat_id or 0)
            state.users[user["id"]] = user
            room.members.setdefault(user["id"], "member")
        if reply_to is not None:
            self._find(room, reply_to)
        content = {**content, **_entities(content.get("text", ""))}
        message = state.add(room, user, content, reply_to=reply_to, thread=thread, date=date)
        self._announce(room, "message", message)
        return state.shown(message)

    def edits(self, chat_id: int, message_id: int, content: Json, date: int | None = None) -> Json:
        room = self._state.room(chat_id)
        message = self._find(room, message_id)
        for key in ("entities", "caption_entities"):
            message.pop(key, None)
        message.update({**content, **_entities(content.get("text", ""))})
        message["edit_date"] = date or int(time.time())
        kind = "edited_channel_post" if room.kind == "channel" else "edited_message"
        self._announce(room, kind, message)
        return self._state.shown(message)

    def deletes(self, chat_id: int, message_id: int) -> None:
        """People delete without the bot being told."""
        room = self._state.room(chat_id)
        self._find(room, message_id)
        del room.messages[message_id]

    def posts(self, channel_id: int, content: Json, date: int | None = None) -> Json:
        room = self._state.room(channel_id)
        if room.kind != "channel":
            raise ControlError(f"{channel_id} is not a channel")
        post = self._state.add(room, {}, content, date=date)
        self._announce(room, "channel_post", post)
        forward = self._state.forward_to_discussion(post)
        shown = self._state.shown
        return {"message": shown(post), "forward": shown(forward) if forward else None}

    def _find(self, room: Room, message_id: int) -> Json:
        if message_id not in room.messages:
            raise ControlError(f"no message {message_id} in chat {room.id}")
        return room.messages[message_id]

    def _announce(self, room: Room, kind: str, message: Json) -> None:
        if room.bot_status in _SEEING:
            self._state.updates.push(kind, self._state.shown(message))

    # People pressing

    def taps(
        self, user: Json, chat_id: int, message_id: int, button: str, stale: bool = False
    ) -> str:
        """Press a button by data or label; stale: send this data though the button is gone."""
        state = self._state
        room = state.room(chat_id)
        state.users[user["id"]] = user
        message = room.messages.get(message_id)
        if stale:
            data = button
        elif message is None:
            raise ControlError(f"no message {message_id} in chat {chat_id}")
        else:
            data = find_button(message.get("reply_markup", {}).get("inline_keyboard", []), button)
        gone = {"chat": room.info, "message_id": message_id, "date": 0}
        query_id = str(4_000_000_000_000 + next(state.numbers))
        state.queries[query_id] = Query(time.time())
        query: Json = {"id": query_id, "from": user, "chat_instance": str(chat_id), "data": data}
        query["message"] = state.shown(message) if message else gone
        state.updates.push("callback_query", query)
        return query_id

    async def answer(self, query_id: str, within: float) -> Json | None:
        """The answer of the bot to a pressed button, None when it does not come in time."""
        query = self._state.queries.get(query_id)
        if query is None:
            raise ControlError(f"no callback query {query_id}")
        return await self._state.changed.until(lambda: query.answer, min(within, MAX_WAIT))

    # Trouble

    def fail_next(self, fault: Json) -> None:
        self._state.faults.pending.append(Fault(**fault))

    def clear_faults(self) -> None:
        self._state.faults.pending.clear()

    def offline(self, on: bool) -> None:
        """Cut every connection with the bot, also those that wait, until switched off."""
        self._state.faults.offline = on
        if on:
            self._state.updates.end_poll(DroppedError())

    def limits(self, on: bool, overall: int, per_chat: int, per_group: int) -> None:
        self._state.limits = RateLimits(overall, per_chat, per_group) if on else None

    # Looking back

    async def history(self, after: int = 0, within: float = 0.0) -> list[Json]:
        """What the bot did after entry `after`; waits for the first such entry."""
        state = self._state
        return await state.changed.until(lambda: state.history[after:], min(within, MAX_WAIT))

    async def calls(
        self, method: str | None = None, count: int = 0, within: float = 0.0
    ) -> list[Json]:
        """Requests of the bot but getUpdates (unless named); waits for `count` of them."""
        state = self._state

        def matching() -> list[Json]:
            if method is None:
                return [c for c in state.calls if c["method"] != "getUpdates"]
            return [c for c in state.calls if c["method"].lower() == method.lower()]

        await state.changed.until(lambda: len(matching()) >= count, min(within, MAX_WAIT))
        return matching()

    async def pending(self, at_most: int = 0, within: float = 0.0) -> int:
        """Number of updates not confirmed; waits until it is no more than `at_most`."""
        queue = self._state.updates
        wait = min(within, MAX_WAIT)
        await self._state.changed.until(lambda: len(queue.queue) <= at_most, wait)
        return len(queue.queue)

    def message(self, chat_id: int, message_id: int) -> Json:
        """A message as it is now."""
        return self._state.shown(self._find(self._state.room(chat_id), message_id))


def _entities(text: str) -> Json:
    command = _COMMAND.match(text)
    if command is None:
        return {}
    return {"entities": [{"type": "bot_command", "offset": 0, "length": command.end()}]}
