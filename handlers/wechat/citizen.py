"""What citizens do beside asking: commands in words, typed choices, the menu, following."""

from __future__ import annotations

from bot.channels.wechat import ACCOUNT
from bot.desk import Desk
from handlers.aliases import bare, command_of
from handlers.press import act
from handlers.wechat import menu, texts
from handlers.wechat.parsing import Fields


async def answer_to_words(desk: Desk, fields: Fields) -> str:
    """The answer to a command or a typed button; "" for what is for the desk."""
    if fields["MsgType"] != "text":
        return ""
    citizen, said = fields["FromUserName"], bare(fields.get("Content", ""))
    if said == texts.ERASE_YES:
        return await desk.citizens.erase(ACCOUNT, citizen)
    if command := command_of(said):
        await desk.citizens.heard(ACCOUNT, citizen)
        return await _obey(desk, citizen, command)
    action = await desk.citizens.typed(ACCOUNT, citizen, said)
    if not action:
        return ""
    await desk.citizens.heard(ACCOUNT, citizen)
    pressed = act(desk, ACCOUNT, citizen, action)
    return await pressed if pressed else ""


async def answer_to_event(desk: Desk, fields: Fields, greeting: str) -> str:
    """What an event is answered with; "" for nothing."""
    citizen, key = fields["FromUserName"], fields.get("EventKey", "")
    match fields.get("Event", "").lower():
        case "subscribe":
            await desk.citizens.followed(ACCOUNT, citizen, follows=True)
            return greeting
        case "unsubscribe":
            await desk.citizens.followed(ACCOUNT, citizen, follows=False)
        case "click" if key.startswith(menu.TOPIC):
            found = await menu.questions(desk, key.removeprefix(menu.TOPIC))
            return found or await menu.topics(desk)
        case "click" if key.startswith(menu.COMMAND):
            return await _obey(desk, citizen, key.removeprefix(menu.COMMAND))
    return ""


async def _obey(desk: Desk, citizen: str, command: str) -> str:
    match command:
        case "mine":
            return await desk.citizens.cases(ACCOUNT, citizen)
        case "rate":
            return await desk.satisfaction.ask(ACCOUNT, citizen)
        case "mydata":
            return await desk.citizens.stored(ACCOUNT, citizen)
        case "erase":
            return texts.ERASE_ASK
        case "menu":
            return await menu.topics(desk)
        case "human":
            return texts.HUMAN_HOW
    return texts.HELP
