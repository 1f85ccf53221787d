"""Staff actions that ask something first: what exactly, and why.

The choices stand in place of a card's buttons and go by keys, not by positions: what can be
chosen may change between being shown and being pressed. Words of one's own are typed in answer
to a message that asks for them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiogram.types import CallbackQuery

from bot.channels.base import Outgoing
from bot.channels.telegram import TelegramChannel
from bot.desk import Desk, DeskError, cards
from bot.desk.prompts import Asked
from handlers.telegram import texts
from handlers.telegram.citizen import redraw
from handlers.telegram.menu import fingerprint
from storage.terms import ExclusionCode

if TYPE_CHECKING:
    from storage.models import Staff

_MOST_CHOICES = 90
_OWN_WORDS = "own"


@dataclass(frozen=True, slots=True)
class Press:
    """A pressed ``s:verb:case:version[:argument]``, and the chat it was pressed in."""

    verb: str
    case_id: int
    version: int
    place: str
    argument: str = ""

    @classmethod
    def parse(cls, query: CallbackQuery) -> Press:
        """Raises DeskError for what no button of ours sends."""
        place = str(query.message.chat.id) if query.message else str(query.from_user.id)
        match (query.data or "").split(":"):
            case ["s", verb, case, version, *rest] if case.isdecimal() and version.isdecimal():
                return cls(verb, int(case), int(version), place, ":".join(rest))
        raise DeskError(texts.STALE_BUTTON)


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen: its key, the title it was shown with, and why."""

    key: str = ""
    title: str = ""
    reason: str = ""


Options = Callable[[Desk, Press], Awaitable[Mapping[str, str]]]
Run = Callable[[Desk, "Staff", Press, Choice], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Action:
    """One action: its ``options`` (after ``question``), its ready ``reasons``, its ``words``.

    ``words`` names what may be typed in place of a ready reason; where there is none ready it
    must be typed. ``none`` says why there is nothing to choose from.
    """

    run: Run
    options: Options | None = None
    question: str = ""
    none: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)
    words: str = ""


async def pressed(
    desk: Desk, channel: TelegramChannel, query: CallbackQuery, staff: Staff, press: Press
) -> str:
    """The next question of an action, or the action itself; the text to show."""
    action = ACTIONS[press.verb]
    key, answered, reason = press.argument.partition(".")
    if action.options is not None and not key:
        await _offer(channel, query, press, await _options(desk, press, action))
        return action.question
    choice = await _choice(desk, press, action, key)
    if action.reasons and not answered:
        own = {_OWN_WORDS: texts.OWN_WORDS} if action.words else {}
        await _offer(channel, query, press, {**action.reasons, **own}, f"{key}.")
        return texts.CHOOSE_REASON
    if action.words and (not action.reasons or reason == _OWN_WORDS):
        return await desk.review.ask_words(
            staff, press.case_id, press.version, press.place, press.verb, key, action.words
        )
    if action.reasons and reason not in action.reasons:
        raise DeskError(texts.STALE_BUTTON)
    choice = Choice(choice.key, choice.title, action.reasons.get(reason, ""))
    return await action.run(desk, staff, press, choice)


async def typed(desk: Desk, staff: Staff, asked: Asked, place: str, text: str) -> str:
    """Do what the words were asked for."""
    if asked.verb.startswith("t:"):
        return await desk.tasks.act(staff, int(asked.argument), asked.verb[2:], place, text)
    action = ACTIONS.get(asked.verb)
    if action is None:
        raise DeskError(texts.WHICH_CASE)
    press = Press(asked.verb, asked.case_id, asked.version, place, asked.argument)
    choice = await _choice(desk, press, action, asked.argument)
    return await action.run(desk, staff, press, Choice(choice.key, choice.title, text))


async def _options(desk: Desk, press: Press, action: Action) -> Mapping[str, str]:
    options = await action.options(desk, press) if action.options else {}
    if not options:
        raise DeskError(action.none)
    return dict(list(options.items())[:_MOST_CHOICES])


async def _choice(desk: Desk, press: Press, action: Action, key: str) -> Choice:
    options = await _options(desk, press, action) if action.options else {"": ""}
    if key not in options:
        raise DeskError(texts.STALE_BUTTON)
    return Choice(key, options[key])


async def _offer(
    channel: TelegramChannel,
    query: CallbackQuery,
    press: Press,
    options: Mapping[str, str],
    prefix: str = "",
) -> None:
    rows = cards.choices(press.verb, press.case_id, press.version, options, prefix)
    await redraw(channel, query, Outgoing("", rows))


async def _departments(desk: Desk, press: Press) -> Mapping[str, str]:
    return {fingerprint(name): name for name in await desk.review.departments()}


async def _transfer(desk: Desk, staff: Staff, press: Press, chosen: Choice) -> str:
    return await desk.transfer.ask(
        staff, press.case_id, press.version, press.place, chosen.title, chosen.reason
    )


async def _categories(desk: Desk, press: Press) -> Mapping[str, str]:
    return await desk.recategorising.options(press.case_id)


async def _category(desk: Desk, staff: Staff, press: Press, chosen: Choice) -> str:
    return await desk.recategorising.change(
        staff, press.case_id, press.version, press.place, chosen.key, chosen.reason
    )


async def _supplement(desk: Desk, staff: Staff, press: Press, chosen: Choice) -> str:
    return await desk.supplement.ask(
        staff, press.case_id, press.version, press.place, chosen.reason
    )


async def _resume(desk: Desk, staff: Staff, press: Press, chosen: Choice) -> str:
    return await desk.supplement.resume(
        staff, press.case_id, press.version, press.place, chosen.reason
    )


async def _close(desk: Desk, staff: Staff, press: Press, chosen: Choice) -> str:
    return await desk.review.close(staff, press.case_id, press.version, press.place, chosen.reason)


async def _overrule(desk: Desk, staff: Staff, press: Press, chosen: Choice) -> str:
    return await desk.review.overrule(
        staff, press.case_id, press.version, press.place, chosen.reason
    )


async def _codes(desk: Desk, press: Press) -> Mapping[str, str]:
    return {code: code.label for code in ExclusionCode}


async def _exclude(desk: Desk, staff: Staff, press: Press, chosen: Choice) -> str:
    return await desk.exclusion.propose(
        staff, press.case_id, press.version, press.place, chosen.key, chosen.reason
    )


async def _include(desk: Desk, staff: Staff, press: Press, chosen: Choice) -> str:
    return await desk.exclusion.revoke(
        staff, press.case_id, press.version, press.place, chosen.reason
    )


async def _workdays(desk: Desk, press: Press) -> Mapping[str, str]:
    most = desk.office.rules.extension_workdays
    offered = sorted({*(days for days in (1, 2, 3, 5, 10, 15) if days < most), most})
    return {str(days): f"{days} 个工作日" for days in offered}


async def _extend(desk: Desk, staff: Staff, press: Press, chosen: Choice) -> str:
    return await desk.extension.ask(
        staff, press.case_id, press.version, press.place, int(chosen.key), chosen.reason
    )


async def _repeats(desk: Desk, press: Press) -> Mapping[str, str]:
    found = await desk.merging.repeats(press.case_id)
    return {str(number): title for number, title in found.items()}


async def _merge(desk: Desk, staff: Staff, press: Press, chosen: Choice) -> str:
    return await desk.merging.merge(
        staff, press.case_id, press.version, press.place, int(chosen.key)
    )


async def _merged(desk: Desk, press: Press) -> Mapping[str, str]:
    return {str(number): f"#{number}" for number in await desk.merging.absorbed(press.case_id)}


async def _unmerge(desk: Desk, staff: Staff, press: Press, chosen: Choice) -> str:
    return await desk.merging.undo(
        staff, press.case_id, press.version, press.place, int(chosen.key)
    )


ACTIONS: Mapping[str, Action] = {
    "transfer": Action(
        _transfer,
        _departments,
        texts.CHOOSE_DEPARTMENT,
        texts.NO_DEPARTMENTS,
        cards.TRANSFER_REASONS,
        "转办的理由",
    ),
    "category": Action(
        _category,
        _categories,
        texts.CHOOSE_CATEGORY,
        texts.NO_CATEGORIES,
        cards.CATEGORY_REASONS,
        "改类别的理由",
    ),
    "supplement": Action(_supplement, words="补充请求：要群众补充什么，原话会发给群众"),
    "resume": Action(_resume, reasons=cards.RESUME_REASONS, words="结束等待的理由"),
    "close": Action(_close, reasons=cards.CLOSE_REASONS, words="不用答复的理由"),
    "overrule": Action(_overrule, reasons=cards.OVERRULE_REASONS, words="认定的理由"),
    "extend": Action(
        _extend,
        _workdays,
        texts.CHOOSE_DAYS,
        reasons=cards.EXTENSION_REASONS,
        words="延期的理由",
    ),
    "merge": Action(_merge, _repeats, texts.CHOOSE_REPEAT, texts.NO_REPEATS),
    "unmerge": Action(_unmerge, _merged, texts.CHOOSE_MERGED, texts.NO_MERGED),
    "exclude": Action(_exclude, _codes, texts.CHOOSE_REASON, words="证据"),
    "include": Action(_include, words="恢复计入的理由"),
}
