"""The account's menu, from the menu of services, and what pressing it says."""

from __future__ import annotations

from typing import Any

from bot.desk import Desk
from handlers.wechat import texts

TOPIC = "topic:"
COMMAND = "command:"
_SHOWN_TOPICS = 5
_SHOWN_QUESTIONS = 10
_FEW = 3
_NAME = 8
_QUESTION = 40

Menu = list[tuple[str, list[str]]]


def account_menu(topics: Menu) -> dict[str, Any]:
    """The menu as the platform's API takes it: the largest topics, my cases, help."""
    services = [_item(topic, TOPIC + topic[:_QUESTION]) for topic, _ in topics[:_SHOWN_TOPICS]]
    more = [
        _item("评价答复", f"{COMMAND}rate"),
        _item("转人工", f"{COMMAND}human"),
        _item("我的信息", f"{COMMAND}mydata"),
        _item("怎么用", f"{COMMAND}help"),
    ]
    first = [{"name": "常办的事", "sub_button": services}] if services else []
    return {"button": [*first, _item("我的诉求", f"{COMMAND}mine"), _group("更多", more)]}


async def topics(desk: Desk) -> str:
    """The menu of services in words."""
    known = (await desk.citizens.menu())[:_SHOWN_TOPICS]
    parts = ["\n".join([f"【{topic}】", *_lines(asked[:_FEW])]) for topic, asked in known]
    return texts.MENU.format(topics="\n".join(parts)) if parts else texts.MENU_EMPTY


async def questions(desk: Desk, wanted: str) -> str:
    """A topic's questions; "" when there is no such topic."""
    for topic, standard in await desk.citizens.menu():
        if topic[:_QUESTION] == wanted:
            lines = "\n".join(_lines(standard[:_SHOWN_QUESTIONS]))
            return texts.MENU_TOPIC.format(topic=topic, questions=lines)
    return ""


def _lines(questions: list[str]) -> list[str]:
    return [f"· {one[:_QUESTION]}" for one in questions]


def _item(name: str, key: str) -> dict[str, Any]:
    return {"type": "click", "name": name[:_NAME], "key": key}


def _group(name: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "sub_button": items}
