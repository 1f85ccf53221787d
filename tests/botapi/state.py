"""The server's memory: people, chats, messages, files, and what the bot did."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import Any

from tests.botapi.faults import Faults, RateLimits
from tests.botapi.model import ApiError, ControlError, Json, bad_request
from tests.botapi.updates import Signal, Updates

BOT = {
    "id": 7_000_000_001,
    "is_bot": True,
    "first_name": "测试政务号",
    "username": "wenban_test_bot",
}
TOKEN = "7000000001:local-test-token_0123456789abcdefg"
TELEGRAM = {"id": 777000, "is_bot": False, "first_name": "Telegram"}
CONTENT = (
    "text",
    "entities",
    "caption",
    "caption_entities",
    "photo",
    "document",
    "voice",
    "audio",
    "video",
    "video_note",
    "animation",
    "sticker",
    "location",
    "venue",
    "contact",
)


@dataclass
class Room:
    """A chat as the server knows it. Messages keep private keys beginning with an underscore."""

    info: Json
    linked: int | None = None
    bot_status: str = "administrator"
    members: dict[int, str] = field(default_factory=dict)
    messages: dict[int, Json] = field(default_factory=dict)
    next_id: int = 1

    @property
    def id(self) -> int:
        return int(self.info["id"])

    @property
    def kind(self) -> str:
        return str(self.info["type"])


@dataclass
class StoredFile:
    kind: str
    name: str
    path: str
    data: bytes
    info: Json


@dataclass
class Query:
    """A pressed button waiting for answerCallbackQuery."""

    at: float
    answer: Json | None = None


class State:
    """Everything that survives a restart of the bot."""

    def __init__(self, token: str = TOKEN, callback_lifetime: float = 60.0) -> None:
        self.token = token
        self.bot: Json = {**BOT, "id": int(token.partition(":")[0])}
        self.callback_lifetime = callback_lifetime
        self.changed = Signal()
        self.updates = Updates(self.changed)
        self.faults = Faults()
        self.limits: RateLimits | None = None
        self.users: dict[int, Json] = {}
        self.rooms: dict[int, Room] = {}
        self.files: dict[str, StoredFile] = {}
        self.queries: dict[str, Query] = {}
        self.settings: dict[str, Any] = {}
        self.history: list[Json] = []
        self.calls: list[Json] = []
        self.numbers = itertools.count(1)

    # Chats

    def know(self, user: Json) -> Room:
        """The private chat with this user, made when new."""
        self.users[user["id"]] = user
        room = self.rooms.get(user["id"])
        if room is None:
            info = {k: v for k, v in user.items() if k in ("id", "first_name", "username")}
            room = Room({**info, "type": "private"}, bot_status="member")
            self.rooms[room.id] = room
        return room

    def room(self, chat_id: int) -> Room:
        """For tests. Raises ControlError."""
        if chat_id not in self.rooms:
            raise ControlError(f"no chat {chat_id}")
        return self.rooms[chat_id]

    def room_for_bot(self, name: str) -> Room:
        """By id or @username, as the bot names it. Raises ApiError 400."""
        if not name:
            raise bad_request("chat_id is empty")
        for room in self.rooms.values():
            if name in (str(room.id), f"@{room.info.get('username')}"):
                return room
        raise bad_request("chat not found")

    def check_writable(self, room: Room) -> None:
        """Raises ApiError 400 or 403 where the bot may not write."""
        if room.bot_status == "kicked":
            if room.kind == "private":
                raise ApiError(403, "Forbidden: bot was blocked by the user")
            raise ApiError(403, f"Forbidden: bot was kicked from the {room.kind} chat")
        if room.bot_status == "left":
            raise ApiError(403, f"Forbidden: bot is not a member of the {room.kind} chat")
        if room.kind == "channel" and room.bot_status != "administrator":
            raise bad_request("need administrator rights in the channel chat")

    # Messages

    def add(
        self,
        room: Room,
        sender: Json,
        content: Json,
        *,
        reply_to: int | None = None,
        thread: int | None = None,
        date: int | None = None,
    ) -> Json:
        """Store a message; the thread follows from what it replies to unless given."""
        message: Json = {"message_id": room.next_id, "date": date or int(time.time())}
        message["chat"] = room.info
        if room.kind == "channel":
            message["sender_chat"] = room.info
        else:
            message["from"] = sender
        thread = thread or self._thread_of(room, reply_to)
        if thread:
            message["message_thread_id"] = thread
            reply_to = reply_to or thread
        if reply_to:
            message["_reply_to"] = reply_to
        message.update(content)
        room.messages[room.next_id] = message
        room.next_id += 1
        return message

    def _thread_of(self, room: Room, reply_to: int | None) -> int | None:
        target = room.messages.get(reply_to or 0)
        if target is None or room.kind != "supergroup":
            return None
        if target.get("is_automatic_forward"):
            return int(target["message_id"])
        return target.get("message_thread_id")

    def shown(self, message: Json) -> Json:
        """A message as the API shows it, with one level of reply."""
        room = self.rooms[message["chat"]["id"]]
        public = {k: v for k, v in message.items() if not k.startswith("_")}
        target = room.messages.get(message.get("_reply_to", 0))
        if target:
            public["reply_to_message"] = {k: v for k, v in target.items() if not k.startswith("_")}
        return public

    def forward_to_discussion(self, post: Json) -> Json | None:
        """The automatic forward of a channel post, announced to the bot; None without a group."""
        group = self.rooms.get(self.rooms[post["chat"]["id"]].linked or 0)
        if group is None:
            return None
        channel = post["chat"]
        origin = {"type": "channel", "chat": channel, "message_id": post["message_id"]}
        extra = {
            "sender_chat": channel,
            "is_automatic_forward": True,
            "forward_origin": {**origin, "date": post["date"]},
            "forward_from_chat": channel,
            "forward_from_message_id": post["message_id"],
            "forward_date": post["date"],
        }
        content = {k: post[k] for k in CONTENT if k in post}
        forward = self.add(group, TELEGRAM, {**content, **extra}, date=post["date"])
        if group.bot_status in ("administrator", "member"):
            self.updates.push("message", self.shown(forward))
        return forward

    # Files

    def store_file(self, kind: str, name: str, data: bytes, mime: str = "") -> Json:
        """Keep a file and return its description as the API shows it."""
        number = next(self.numbers)
        info: Json = {
            "file_id": f"{kind}-{number:06d}-{self.bot['id']}",
            "file_unique_id": f"u{number:06d}",
            "file_size": len(data),
            **_shape(kind),
        }
        if kind in ("document", "audio", "video", "animation") and name:
            info["file_name"] = name
        if mime and kind != "photo":
            info["mime_type"] = mime
        suffix = name.rpartition(".")[2] if "." in name else _SUFFIX.get(kind, "bin")
        path = f"{kind}s/file_{number}.{suffix}"
        self.files[info["file_id"]] = StoredFile(kind, name, path, data, info)
        return info

    # What the bot did

    def record(self, kind: str, message: Json) -> None:
        entry = {"seq": len(self.history) + 1, "at": time.time(), "kind": kind}
        markup = message.get("_markup") or message.get("reply_markup") or {}
        self.history.append({**entry, "markup": markup, "raw": self.shown(message)})
        self.changed.fire()

    def log_call(self, method: str, params: Json) -> Json:
        call: Json = {"seq": len(self.calls) + 1, "at": time.time(), "method": method}
        call |= {"params": params, "status": None, "description": ""}
        self.calls.append(call)
        self.changed.fire()
        return call

    def close_call(self, call: Json, status: int, description: str = "") -> None:
        call.update(status=status, description=description)
        self.changed.fire()


_SUFFIX = {"photo": "jpg", "voice": "oga", "sticker": "webp", "video": "mp4", "audio": "mp3"}


def _shape(kind: str) -> Json:
    if kind in ("voice", "audio"):
        return {"duration": 3}
    if kind == "photo":
        return {"width": 800, "height": 600}
    if kind in ("video", "animation"):
        return {"width": 640, "height": 480, "duration": 3}
    if kind == "video_note":
        return {"length": 240, "duration": 3}
    if kind == "sticker":
        still = {"is_animated": False, "is_video": False}
        return {"type": "regular", "width": 512, "height": 512, **still}
    return {}
