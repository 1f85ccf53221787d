"""Methods about the bot itself, its chats, files, updates and pressed buttons."""

from __future__ import annotations

import re
import time
from typing import Any

from tests.botapi.model import ApiError, Json, bad_request
from tests.botapi.registry import Params, method
from tests.botapi.state import Room, State
from tests.botapi.updates import Hook

_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
_RIGHTS = (
    "can_manage_chat",
    "can_delete_messages",
    "can_restrict_members",
    "can_change_info",
    "can_invite_users",
    "can_pin_messages",
)
_NO_RIGHTS = (
    "can_be_edited",
    "is_anonymous",
    "can_manage_video_chats",
    "can_promote_members",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
    "can_send_welcome_messages",
)
MAX_DOWNLOAD = 20 * 1024 * 1024


@method("getMe")
def get_me(state: State, params: Params) -> Json:
    return {
        **state.bot,
        "can_join_groups": True,
        "can_read_all_group_messages": True,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


# Updates


@method("getUpdates")
async def get_updates(state: State, params: Params) -> list[Json]:
    updates = state.updates
    allowed = params.data("allowed_updates")
    if allowed is not None and updates.hook is None:
        updates.allowed = allowed
    return await updates.poll(
        params.integer("offset"), params.integer("limit", 100), params.integer("timeout")
    )


@method("setWebhook")
def set_webhook(state: State, params: Params) -> bool:
    url, secret = params.text("url"), params.text("secret_token")
    if not url:
        return delete_webhook(state, params)
    if not url.startswith(("http://", "https://")):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if secret and not _SECRET.fullmatch(secret):
        raise bad_request("secret token contains unallowed characters")
    allowed = params.data("allowed_updates")
    if allowed is not None:
        state.updates.allowed = allowed
    if params.flag("drop_pending_updates"):
        state.updates.drop_all()
    state.updates.end_poll(ApiError(409, "Conflict: terminated by setWebhook request"))
    state.updates.hook = Hook(url, secret, params.integer("max_connections", 40))
    state.changed.fire()
    return True


@method("deleteWebhook")
def delete_webhook(state: State, params: Params) -> bool:
    state.updates.hook = None
    if params.flag("drop_pending_updates"):
        state.updates.drop_all()
    state.changed.fire()
    return True


@method("getWebhookInfo")
def get_webhook_info(state: State, params: Params) -> Json:
    hook = state.updates.hook
    pending = len(state.updates.queue)
    info: Json = {"url": "", "has_custom_certificate": False, "pending_update_count": pending}
    if hook:
        info |= {"url": hook.url, "max_connections": hook.max_connections}
        if hook.last_error:
            info |= {"last_error_date": hook.last_error_date}
            info |= {"last_error_message": hook.last_error}
    if state.updates.allowed:
        info["allowed_updates"] = state.updates.allowed
    return info


# Buttons


@method("answerCallbackQuery")
def answer_callback_query(state: State, params: Params) -> bool:
    query = state.queries.get(params.text("callback_query_id"))
    if query is None or query.answer or time.time() - query.at > state.callback_lifetime:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    if len(params.text("text")) > 200:
        raise bad_request("MESSAGE_TOO_LONG")
    query.answer = {
        "text": params.text("text"),
        "show_alert": params.flag("show_alert"),
        "url": params.text("url"),
    }
    state.changed.fire()
    return True


# Chats


@method("getChat")
def get_chat(state: State, params: Params) -> Json:
    room = state.room_for_bot(params.text("chat_id"))
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription")
    full: Json = {
        **room.info,
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys((*gifts, "gifts_from_channels"), False),
    }
    if room.linked:
        full["linked_chat_id"] = room.linked
    return full


def member(state: State, room: Room, user: Json, status: str) -> Json:
    """A ChatMember of the given status."""
    entry: Json = {"user": user, "status": status}
    if status == "administrator":
        entry |= dict.fromkeys(_RIGHTS, True) | dict.fromkeys(_NO_RIGHTS, False)
    elif status == "creator":
        entry["is_anonymous"] = False
    elif status == "kicked":
        entry["until_date"] = 0
    return entry


@method("getChatMember")
def get_chat_member(state: State, params: Params) -> Json:
    room = state.room_for_bot(params.text("chat_id"))
    user_id = params.integer("user_id")
    if user_id == state.bot["id"]:
        return member(state, room, state.bot, room.bot_status)
    user = state.users.get(user_id)
    if user is None:
        raise bad_request("user not found")
    alone = "member" if room.id == user_id else "left"
    return member(state, room, user, room.members.get(user_id, alone))


@method("getChatAdministrators")
def get_chat_administrators(state: State, params: Params) -> list[Json]:
    room = state.room_for_bot(params.text("chat_id"))
    if room.kind == "private":
        raise bad_request("there are no administrators in the private chat")
    ranks = ("creator", "administrator")
    people = [(state.users[i], s) for i, s in room.members.items() if s in ranks]
    if room.bot_status in ranks:
        people.append((state.bot, room.bot_status))
    return [member(state, room, user, status) for user, status in people]


@method("getChatMemberCount")
def get_chat_member_count(state: State, params: Params) -> int:
    room = state.room_for_bot(params.text("chat_id"))
    gone = ("left", "kicked")
    return 1 + sum(status not in gone for status in room.members.values())


@method("leaveChat")
def leave_chat(state: State, params: Params) -> bool:
    room = state.room_for_bot(params.text("chat_id"))
    state.check_writable(room)
    room.bot_status = "left"
    return True


# Commands and menu


def _scope(params: Params) -> str:
    scope: Json = params.data("scope") or {"type": "default"}
    place = "/".join(str(scope.get(k, "")) for k in ("type", "chat_id", "user_id"))
    return f"commands/{place}/{params.text('language_code')}"


@method("setMyCommands")
def set_my_commands(state: State, params: Params) -> bool:
    commands = params.data("commands")
    if not isinstance(commands, list):
        raise bad_request("can't parse commands JSON object")
    if len(commands) > 100:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for entry in commands:
        if not _COMMAND.fullmatch(str(entry.get("command", "")).removeprefix("/")):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(str(entry.get("description", ""))) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    state.settings[_scope(params)] = commands
    return True


@method("getMyCommands")
def get_my_commands(state: State, params: Params) -> Any:
    return state.settings.get(_scope(params), [])


@method("deleteMyCommands")
def delete_my_commands(state: State, params: Params) -> bool:
    state.settings.pop(_scope(params), None)
    return True


@method("setChatMenuButton")
def set_chat_menu_button(state: State, params: Params) -> bool:
    button = params.data("menu_button") or {"type": "default"}
    if button.get("type") not in ("default", "commands", "web_app"):
        raise bad_request("can't parse menu button: Invalid type")
    state.settings[f"menu/{params.text('chat_id')}"] = button
    return True


@method("getChatMenuButton")
def get_chat_menu_button(state: State, params: Params) -> Any:
    default = state.settings.get("menu/", {"type": "default"})
    return state.settings.get(f"menu/{params.text('chat_id')}", default)


def _profile(key: str) -> None:
    title = "".join(part.title() for part in key.split("_"))

    @method(f"setMy{title}")
    def change(state: State, params: Params) -> bool:
        state.settings[f"{key}/{params.text('language_code')}"] = params.text(key)
        return True

    @method(f"getMy{title}")
    def show(state: State, params: Params) -> Json:
        default = state.bot["first_name"] if key == "name" else ""
        return {key: state.settings.get(f"{key}/{params.text('language_code')}", default)}


for _key in ("name", "description", "short_description"):
    _profile(_key)


# Files


@method("getFile")
def get_file(state: State, params: Params) -> Json:
    stored = state.files.get(params.text("file_id"))
    if stored is None:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    if len(stored.data) > MAX_DOWNLOAD:
        raise bad_request("file is too big")
    known = {k: stored.info[k] for k in ("file_id", "file_unique_id", "file_size")}
    return {**known, "file_path": stored.path}
