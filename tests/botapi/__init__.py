"""A local Bot API server for tests: Telegram's protocol over HTTP, and a hand on its other side.

In the test's own event loop::

    async with BotApi() as api:
        run_the_bot(base=api.url, token=api.token)
        alice = api.user("小李")
        await api.says(alice, "身份证丢了怎么办")
        reply = await api.next_message(alice)
        answer = await api.presses(alice, reply, "有帮助")

As a process of its own: ``python -m tests.botapi --port N``, or ``async with spawned() as api``;
then ``RemoteBotApi(url)`` offers the same calls over ``/control/…``. All state is in the server's
memory: a bot may be killed and started again, updates it had not confirmed are delivered again.

Faithful
    Envelope, error codes and the wording of common errors. getUpdates: confirmation by offset,
    negative offsets, limit, long poll, allowed_updates remembered and applied to later updates
    only, a second long poll ends the first with 409, 409 while a webhook is set. Webhooks: secret
    header, order kept within a chat, chats in parallel up to max_connections, redelivery with
    growing pauses or Retry-After, a JSON method call in the hook's answer is carried out.
    HTML markup is parsed strictly (errors name the byte offset), entities in UTF-16 units, text
    trimmed. Replies, threads, automatic forwards of channel posts and comments under them. An edit
    without reply_markup removes the keyboard; an unchanged edit is refused. callback_data up to 64
    bytes; a button's address needs a host with a dot (localhost is refused, as by Telegram).
    Bodies: query, urlencoded, multipart with attach://, JSON. 403 for blocked, kicked and never
    started. my_chat_member updates. Message ids grow per chat, update ids overall.

Not faithful
    One bot per server. Addresses of webhooks may be http. Markdown is refused, not parsed; links,
    hashtags and mentions in plain text get no entities (bot commands do). Message ids grow per chat
    in private chats too. Length is counted in UTF-16 units, never more lenient than Telegram.
    A callback query dies after ``callback_lifetime`` seconds (Telegram gives no figure) or with its
    first answer. Rate limits are off until ``limits()`` is called and are then exact windows;
    Telegram tolerates short bursts. Updates never expire. 409 is answered at once (Telegram delays
    repeated ones by 3 s). Files sent by URL, albums sent by the bot, inline mode, forum topics,
    reactions, payments and chat administration are missing: an unknown method answers 404.
"""

from __future__ import annotations

from tests.botapi.client import Control, RemoteBotApi, spawned
from tests.botapi.model import Answer, Call, Chat, ControlError, Message, Post, Sent, User
from tests.botapi.server import BotApi

__all__ = [
    "Answer",
    "BotApi",
    "Call",
    "Chat",
    "Control",
    "ControlError",
    "Message",
    "Post",
    "RemoteBotApi",
    "Sent",
    "User",
    "spawned",
]
