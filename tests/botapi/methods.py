"""Methods that send, change or remove messages."""

from __future__ import annotations

import time
from typing import Any

from tests.botapi.markup import CAPTION_LIMIT, checked_markup, formatted
from tests.botapi.model import Json, bad_request
from tests.botapi.registry import METHODS, Params, method
from tests.botapi.state import CONTENT, Room, State

MEDIA = ("photo", "document", "voice", "audio", "video", "video_note", "animation", "sticker")
_ACTIONS = {
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
}


def _reply_target(room: Room, params: Params) -> int | None:
    reply: Json = params.data("reply_parameters") or {}
    target = int(reply.get("message_id") or params.integer("reply_to_message_id"))
    lenient = reply.get("allow_sending_without_reply") or params.flag("allow_sending_without_reply")
    elsewhere = str(reply.get("chat_id") or room.id) not in (str(room.id), _at(room))
    if target and (elsewhere or target not in room.messages):
        if lenient:
            return None
        raise bad_request("message to be replied not found")
    return target or None


def _at(room: Room) -> str:
    return f"@{room.info.get('username')}"


def _thread(room: Room, params: Params) -> int | None:
    thread = params.integer("message_thread_id")
    if not thread:
        return None
    root = room.messages.get(thread, {})
    started = any(m.get("message_thread_id") == thread for m in room.messages.values())
    if not (root.get("is_automatic_forward") or started):
        raise bad_request("message thread not found")
    return thread


def _text(params: Params) -> Json:
    text, entities = formatted(
        params.text("text"), params.text("parse_mode"), params.data("entities") or []
    )
    if not text:
        raise bad_request("message text is empty")
    return {"text": text, **({"entities": entities} if entities else {})}


def _caption(params: Params) -> Json:
    caption, entities = formatted(
        params.text("caption"),
        params.text("parse_mode"),
        params.data("caption_entities") or [],
        CAPTION_LIMIT,
    )
    content: Json = {"caption": caption} if caption else {}
    return {**content, **({"caption_entities": entities} if entities else {})}


def _send(state: State, params: Params, room: Room, content: Json) -> Json:
    thread, reply_to = _thread(room, params), _reply_target(room, params)
    markup = checked_markup(params.data("reply_markup"), private=room.kind == "private")
    if "inline_keyboard" in markup:
        content = {**content, "reply_markup": markup}
    message = state.add(room, state.bot, content, reply_to=reply_to, thread=thread)
    message["_own"] = True
    message["_markup"] = markup
    state.record("send", message)
    if room.kind == "channel":
        state.forward_to_discussion(message)
    return state.shown(message)


def _writable(state: State, params: Params) -> Room:
    room = state.room_for_bot(params.text("chat_id"))
    state.check_writable(room)
    return room


@method("sendMessage")
def send_message(state: State, params: Params) -> Json:
    room = _writable(state, params)
    return _send(state, params, room, _text(params))


def _file(state: State, params: Params, kind: str) -> Json:
    given = params.text(kind)
    upload = params.files.get(given.removeprefix("attach://") or kind)
    if upload:
        return state.store_file(kind, upload.name, upload.data, upload.mime)
    if not given:
        raise bad_request(f"there is no {kind.replace('_', ' ')} in the request")
    stored = state.files.get(given)
    if stored is None:
        raise bad_request("wrong remote file identifier specified: Wrong padding in the string")
    if stored.kind != kind:
        raise bad_request(f"can't use file of type {stored.kind.title()} as {kind.title()}")
    return stored.info


def _send_media(kind: str) -> None:
    def send(state: State, params: Params) -> Json:
        room = _writable(state, params)
        file = _file(state, params, kind)
        content = {kind: [file] if kind == "photo" else file, **_caption(params)}
        return _send(state, params, room, content)

    METHODS[f"send{kind.replace('_', '')}"] = send


for _kind in MEDIA:
    _send_media(_kind)


@method("sendLocation")
def send_location(state: State, params: Params) -> Json:
    room = _writable(state, params)
    try:
        place = {axis: float(params.text(axis)) for axis in ("latitude", "longitude")}
    except ValueError:
        raise bad_request("latitude and longitude must be numbers") from None
    return _send(state, params, room, {"location": place})


def _source(state: State, params: Params, verb: str) -> Json:
    room = state.room_for_bot(params.text("from_chat_id"))
    source = room.messages.get(params.integer("message_id"))
    if source is None:
        raise bad_request(f"message to {verb} not found")
    return source


@method("copyMessage")
def copy_message(state: State, params: Params) -> Json:
    room = _writable(state, params)
    source = _source(state, params, "copy")
    content = {k: source[k] for k in CONTENT if k in source}
    if not content:
        raise bad_request("message can't be copied")
    if "caption" in params.values:
        content = {k: v for k, v in content.items() if not k.startswith("caption")}
        content |= _caption(params)
    sent = _send(state, params, room, content)
    return {"message_id": sent["message_id"]}


@method("forwardMessage")
def forward_message(state: State, params: Params) -> Json:
    room = _writable(state, params)
    source = _source(state, params, "forward")
    if "sender_chat" in source:
        origin: Json = {"type": "channel", "chat": source["sender_chat"]}
        origin["message_id"] = source["message_id"]
    else:
        origin = {"type": "user", "sender_user": source["from"]}
    content = {k: source[k] for k in CONTENT if k in source}
    content["forward_origin"] = {**origin, "date": source["date"]}
    return _send(state, params, room, content)


def _editable(state: State, params: Params) -> Json:
    room = _writable(state, params)
    message = room.messages.get(params.integer("message_id"))
    if message is None:
        raise bad_request("message to edit not found")
    markup = message.get("_markup") or {}
    if not message.get("_own") or (markup and "inline_keyboard" not in markup):
        raise bad_request("message can't be edited")
    return message


def _change(state: State, params: Params, message: Json, content: Json, kind: str) -> Json:
    private = message["chat"]["type"] == "private"
    markup = checked_markup(params.data("reply_markup"), private=private)
    if markup and "inline_keyboard" not in markup:
        raise bad_request("inline keyboard expected")
    if markup:
        content = {**content, "reply_markup": markup}
    parts = ("reply_markup", *(CONTENT if kind == "edit" else ()))
    if all(message.get(part) == content.get(part) for part in parts):
        raise bad_request(
            "message is not modified: specified new message content and reply markup are"
            " exactly the same as a current content and reply markup of the message"
        )
    for part in parts:
        message.pop(part, None)
    message.update(content, _markup=markup, edit_date=int(time.time()))
    state.record(kind, message)
    return state.shown(message)


@method("editMessageText")
def edit_message_text(state: State, params: Params) -> Json:
    message = _editable(state, params)
    if "text" not in message:
        raise bad_request("there is no text in the message to edit")
    return _change(state, params, message, _text(params), "edit")


@method("editMessageCaption")
def edit_message_caption(state: State, params: Params) -> Json:
    message = _editable(state, params)
    media = {k: message[k] for k in MEDIA if k in message}
    if not media:
        raise bad_request("there is no caption in the message to edit")
    return _change(state, params, message, {**media, **_caption(params)}, "edit")


@method("editMessageReplyMarkup")
def edit_message_reply_markup(state: State, params: Params) -> Json:
    return _change(state, params, _editable(state, params), {}, "markup")


def _delete(state: State, room: Room, message_id: int) -> None:
    message = room.messages[message_id]
    allowed = message.get("_own") or room.kind == "private" or room.bot_status == "administrator"
    if not allowed:
        raise bad_request("message can't be deleted")
    state.record("delete", message)
    del room.messages[message_id]


@method("deleteMessage")
def delete_message(state: State, params: Params) -> bool:
    room = _writable(state, params)
    if params.integer("message_id") not in room.messages:
        raise bad_request("message to delete not found")
    _delete(state, room, params.integer("message_id"))
    return True


@method("deleteMessages")
def delete_messages(state: State, params: Params) -> bool:
    room = _writable(state, params)
    for message_id in params.data("message_ids") or []:
        if message_id in room.messages:
            _delete(state, room, message_id)
    return True


@method("sendChatAction")
def send_chat_action(state: State, params: Params) -> bool:
    room = _writable(state, params)
    action = params.text("action")
    if action not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    shown: dict[str, Any] = {"message_id": 0, "chat": room.info, "date": int(time.time())}
    state.record("action", {**shown, "text": action})
    return True
