"""The tests' handle on the server: one set of calls, in process (BotApi) or over HTTP."""

from __future__ import annotations

import asyncio
import base64
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

from aiohttp import ClientSession, ClientTimeout

from tests.botapi.model import (
    Answer,
    Call,
    Chat,
    ControlError,
    Json,
    Message,
    Post,
    Sent,
    User,
)
from tests.botapi.state import TOKEN

Target: TypeAlias = User | Chat | Message | int
When: TypeAlias = datetime | float | None
PATIENCE = 10.0


def _chat_id(target: Target) -> int:
    if isinstance(target, int):
        return target
    return target.chat_id if isinstance(target, Message) else target.id


def _message_id(message: Message | int | None) -> int | None:
    return message.id if isinstance(message, Message) else message


def _seconds(when: When) -> int | None:
    if isinstance(when, datetime):
        return int(when.timestamp())
    return None if when is None else int(when)


class Control(ABC):
    """People, chats, failures and what the bot did. `url` and `token` are for the bot."""

    url: str
    token: str

    def __init__(self) -> None:
        self._read: dict[tuple[int, str], int] = {}

    @abstractmethod
    async def call(self, operation: str, **args: Any) -> Any:
        """Run an operation of control.Operations. Raises ControlError."""

    # Who and where

    def user(self, name: str, user_id: int | None = None, username: str | None = None) -> User:
        """A person; the bot may write to them after their first message or meet()."""
        return User.named(name, user_id, username)

    async def meet(self, user: User) -> None:
        """Let the user have started the bot earlier, with no update about it."""
        await self.call("meet", user=user.json())

    async def group(
        self, title: str, kind: str = "supergroup", bot_status: str = "administrator"
    ) -> Chat:
        info = await self.call("make_group", title=title, kind=kind, bot_status=bot_status)
        return Chat(info["id"], kind, title)

    async def channel(
        self, title: str, discussion: Chat | None = None, username: str | None = None
    ) -> Chat:
        linked = discussion.id if discussion else None
        args = {"title": title, "discussion": linked, "username": username}
        return Chat((await self.call("make_channel", **args))["id"], "channel", title, linked)

    async def blocks(self, user: User) -> None:
        """The user blocks the bot: sends to them get 403 from now on."""
        await self.call("set_bot_status", chat_id=user.id, status="kicked", by=user.json())

    async def unblocks(self, user: User) -> None:
        await self.call("set_bot_status", chat_id=user.id, status="member", by=user.json())

    async def sets_bot_status(self, chat: Chat, status: str, by: User) -> None:
        """kicked, left, member or administrator; the bot gets my_chat_member."""
        await self.call("set_bot_status", chat_id=chat.id, status=status, by=by.json())

    async def sets_member(self, chat: Chat, user: User, status: str = "member") -> None:
        """creator, administrator, member, left or kicked."""
        await self.call("set_member", chat_id=chat.id, user=user.json(), status=status)

    # Writing

    async def sends(
        self,
        user: User,
        content: Json,
        chat: Target | None = None,
        reply_to: Message | int | None = None,
        thread: Message | int | None = None,
        date: When = None,
    ) -> Message:
        """Any message: content holds the fields of a Message (text, photo, contact…)."""
        raw = await self.call(
            "says",
            user=user.json(),
            content=content,
            chat_id=None if chat is None else _chat_id(chat),
            reply_to=_message_id(reply_to),
            thread=_message_id(thread),
            date=_seconds(date),
        )
        return Message(raw)

    async def says(
        self,
        user: User,
        text: str,
        chat: Target | None = None,
        reply_to: Message | int | None = None,
        date: When = None,
    ) -> Message:
        """Text in the private chat with the bot, or in `chat`."""
        return await self.sends(user, {"text": text}, chat, reply_to, date=date)

    async def sends_file(
        self,
        user: User,
        kind: str,
        data: bytes = b"test file",
        *,
        name: str = "",
        mime: str = "",
        caption: str = "",
        chat: Target | None = None,
        reply_to: Message | int | None = None,
        date: When = None,
        album: str = "",
    ) -> Message:
        """kind: photo, document, voice, audio, video, video_note, animation, sticker."""
        encoded = base64.b64encode(data).decode()
        file = await self.call("upload", kind=kind, data=encoded, name=name, mime=mime)
        content: Json = {kind: [file] if kind == "photo" else file}
        content |= {"caption": caption} if caption else {}
        content |= {"media_group_id": album} if album else {}
        return await self.sends(user, content, chat, reply_to, date=date)

    async def sends_photo(self, user: User, data: bytes = b"\xff\xd8", **rest: Any) -> Message:
        return await self.sends_file(user, "photo", data, **rest)

    async def sends_voice(self, user: User, data: bytes = b"OggS", **rest: Any) -> Message:
        return await self.sends_file(user, "voice", data, mime="audio/ogg", **rest)

    async def sends_document(self, user: User, name: str, data: bytes, **rest: Any) -> Message:
        return await self.sends_file(user, "document", data, name=name, **rest)

    async def sends_sticker(self, user: User, **rest: Any) -> Message:
        return await self.sends_file(user, "sticker", b"RIFF", **rest)

    async def sends_location(
        self, user: User, latitude: float, longitude: float, chat: Target | None = None
    ) -> Message:
        place = {"latitude": latitude, "longitude": longitude}
        return await self.sends(user, {"location": place}, chat)

    async def edits(self, message: Message, text: str, date: When = None) -> Message:
        """The author changes a text message."""
        content = {"text": text}
        return Message(await self._on(message, "edits", content=content, date=_seconds(date)))

    async def deletes(self, message: Message) -> None:
        await self._on(message, "deletes")

    async def posts(self, channel: Chat, text: str, date: When = None) -> Post:
        """A post in the channel, with its automatic forward in the discussion group."""
        content = {"text": text}
        args = {"channel_id": channel.id, "content": content, "date": _seconds(date)}
        found = await self.call("posts", **args)
        forward = Message(found["forward"]) if found["forward"] else None
        return Post(Message(found["message"]), forward)

    async def comments(
        self,
        user: User,
        post: Post,
        text: str,
        reply_to: Message | int | None = None,
        date: When = None,
    ) -> Message:
        """A comment under a post, or an answer to another comment under it."""
        root = post.thread
        content = {"text": text}
        return await self.sends(user, content, root, reply_to or root, root, date)

    # Pressing

    async def taps(self, user: User, message: Message, button: str, *, stale: bool = False) -> str:
        """Press a button (data or label) without waiting; the callback query's id."""
        query = await self._on(message, "taps", user=user.json(), button=button, stale=stale)
        return str(query)

    async def answer(self, query_id: str, within: float = PATIENCE) -> Answer:
        """What the presser is shown. Raises TimeoutError."""
        answer = await self.call("answer", query_id=query_id, within=within)
        if answer is None:
            raise TimeoutError(f"no answerCallbackQuery within {within} s")
        return Answer(**answer)

    async def presses(
        self,
        user: User,
        message: Message,
        button: str,
        *,
        stale: bool = False,
        within: float = PATIENCE,
    ) -> Answer:
        """Press a button and wait for what the presser is shown. Raises TimeoutError."""
        return await self.answer(await self.taps(user, message, button, stale=stale), within)

    # Trouble

    async def fail_next(
        self,
        method: str,
        code: int = 500,
        times: int = 1,
        *,
        retry_after: int | None = None,
        after_effect: bool = False,
        delay: float = 0.0,
        chat: Target | None = None,
        description: str | None = None,
    ) -> None:
        """See faults.Fault: code 0 cuts the connection, 200 with `delay` is only slow."""
        fault = {"method": method, "code": code, "times": times, "retry_after": retry_after}
        fault |= {"after_effect": after_effect, "delay": delay, "description": description}
        fault["chat_id"] = None if chat is None else _chat_id(chat)
        await self.call("fail_next", fault=fault)

    async def clear_faults(self) -> None:
        await self.call("clear_faults")

    async def offline(self, on: bool = True) -> None:
        """Network loss: every connection of the bot is cut until offline(False)."""
        await self.call("offline", on=on)

    async def limits(
        self, on: bool = True, *, overall: int = 30, per_chat: int = 1, per_group: int = 20
    ) -> None:
        """429 beyond `overall` a second, `per_chat` a second, `per_group` a minute (0: any)."""
        bounds = {"overall": overall, "per_chat": per_chat, "per_group": per_group}
        await self.call("limits", on=on, **bounds)

    # Looking back

    async def sent(self, chat: Target | None = None, *kinds: str) -> list[Sent]:
        """All the bot did, oldest first; kinds: send, edit, markup, delete, action."""
        found = [_sent(entry) for entry in await self.call("history")]
        here = [s for s in found if chat is None or s.chat_id == _chat_id(chat)]
        return [s for s in here if not kinds or s.kind in kinds]

    async def wait_for(
        self, predicate: Callable[[Sent], bool], within: float = PATIENCE, after: int = 0
    ) -> Sent:
        """The first thing the bot did (after entry `after`) that fits. Raises TimeoutError."""
        deadline = time.monotonic() + within
        seen = after
        while True:
            left = deadline - time.monotonic()
            for entry in await self.call("history", after=seen, within=max(left, 0.0)):
                seen = entry["seq"]
                if predicate(sent := _sent(entry)):
                    return sent
            if left <= 0:
                last = "; ".join(f"{s.kind} {s}" for s in (await self.sent())[-5:])
                raise TimeoutError(f"nothing fitting within {within} s; last: {last or 'nothing'}")

    async def next_message(
        self, chat: Target, within: float = PATIENCE, *, kind: str = "send", containing: str = ""
    ) -> Sent:
        """The next unread message to this chat (with this text, others are skipped)."""
        key = (_chat_id(chat), kind)

        def fits(sent: Sent) -> bool:
            return (sent.chat_id, sent.kind) == key and containing in sent.text

        sent = await self.wait_for(fits, within, self._read.get(key, 0))
        self._read[key] = sent.seq
        return sent

    async def next_edit(
        self, chat: Target, within: float = PATIENCE, *, containing: str = ""
    ) -> Sent:
        """The next unread edit of a text in this chat."""
        return await self.next_message(chat, within, kind="edit", containing=containing)

    async def no_message(self, chat: Target, within: float = 0.5) -> None:
        """Raises AssertionError when an unread message is there or comes in this time."""
        try:
            sent = await self.next_message(chat, within)
        except TimeoutError:
            return
        raise AssertionError(f"unexpected message {sent}")

    async def calls(
        self, method: str | None = None, *, count: int = 0, within: float = PATIENCE
    ) -> list[Call]:
        """Requests of the bot (`webhook`: deliveries to it), once there are `count` of them."""
        found = await self.call("calls", method=method, count=count, within=within)
        return [Call(**entry) for entry in found]

    async def all_confirmed(self, within: float = PATIENCE) -> None:
        """Wait until the bot has confirmed every update. Raises TimeoutError."""
        left = await self.call("pending", within=within)
        if left:
            raise TimeoutError(f"{left} updates not confirmed within {within} s")

    async def current(self, message: Message) -> Message:
        """A message as it is now. Raises ControlError when it was deleted."""
        return Message(await self._on(message, "message"))

    async def download(self, file_id: str) -> bytes:
        """The content of a file somebody sent."""
        return base64.b64decode(await self.call("download", file_id=file_id))

    async def _on(self, message: Message, operation: str, **args: Any) -> Any:
        place = {"chat_id": message.chat_id, "message_id": message.id}
        return await self.call(operation, **place, **args)


def _sent(entry: Json) -> Sent:
    return Sent(entry["raw"], entry["seq"], entry["at"], entry["kind"], entry["markup"])


class RemoteBotApi(Control):
    """The same calls to a server in another process. Use with `async with`."""

    def __init__(self, url: str, token: str = TOKEN) -> None:
        super().__init__()
        self.url = url
        self.token = token
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = ClientSession(timeout=ClientTimeout(total=60))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session:
            await self._session.close()

    async def call(self, operation: str, **args: Any) -> Any:
        if self._session is None:
            raise ControlError("use RemoteBotApi with `async with`")
        async with self._session.post(f"{self.url}/control/{operation}", json=args) as response:
            body = await response.json()
        if "error" in body:
            raise ControlError(body["error"])
        return body["result"]


@asynccontextmanager
async def spawned(port: int = 0) -> AsyncIterator[RemoteBotApi]:
    """A server in its own process, ended with the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.botapi", "--port", str(port)),
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
        async with RemoteBotApi(line.split()[-1]) as api:
            yield api
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
