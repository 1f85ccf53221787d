"""Too long for a comment: cut at sense, with the way to the whole answer if anybody may read it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.desk import DeskError, wording
from bot.desk.desktop import CONSOLE
from bot.passage import Passage
from knowledge.catalog import Entry, Link
from storage.db import Database
from storage.models import Delivery
from storage.outbox import REPLIES
from tests.ingesting import CAN, comments, town_with_platform
from tests.support import Town
from tests.website import SECRET

SITE = "https://wenban.example"
SENTENCE = "本人带身份证原件到户籍所在地的派出所办理，工作日上午九点到下午五点都可以。"
LONG = Entry(
    "long",
    "居住证到期了怎么续签",
    SENTENCE * 8,
    department="市公安局",
    automatic=True,
    links=(Link("网上续签", "https://zwfw.example/jzz"),),
)
SHORT = replace(LONG, id="short", question="居住证工本费多少钱", answer="不收费。")
BY_HAND = replace(LONG, id="hand", question="居住证积分怎么算", automatic=False)
CONFIRM = "没解决请回复“转人工”。"


async def _town(database: Database, site: str = SITE, **changes: Any) -> Town:
    passage = Passage(SECRET, site, pages=True)
    known = [LONG, SHORT, BY_HAND]
    return await town_with_platform(database, known, passage, **{"links": True, **changes})


async def _replies(town: Town) -> list[str]:
    rows = await town.rows(Delivery)
    return [one.payload["text"] for one in rows if one.purpose in REPLIES]


async def test_a_long_answer_to_a_comment_is_one_that_says_where_the_rest_is(
    database: Database,
) -> None:
    town = await _town(database)
    await comments(town, LONG.question)
    (text,) = await _replies(town)
    assert len(text) <= CAN.max_length
    beginning, _, rest = text.partition("……\n\n查看全文和办事入口：")
    assert beginning == SENTENCE[: len(beginning)] or beginning.startswith(SENTENCE)
    assert beginning.endswith(("。", "，"))
    assert rest == f"{SITE}/a/weibo/long\n\n{CONFIRM}"


async def test_with_a_name_before_it(database: Database) -> None:
    town = await _town(database, mentions=True, max_length=200)
    await comments(town, LONG.question)
    (text,) = await _replies(town)
    assert text.startswith(f"@小李 {SENTENCE}") and len(text) <= 200


@pytest.mark.parametrize(
    ("kind", "question", "changes", "site"),
    [
        ("direct", LONG.question, {}, SITE),
        ("comment", LONG.question, {"links": False}, SITE),
        ("comment", LONG.question, {}, ""),
        ("comment", LONG.question, {"max_length": 100}, f"https://{'a' * 50}.example"),
    ],
)
async def test_elsewhere_it_is_sent_whole_in_parts(
    database: Database, kind: str, question: str, changes: dict[str, Any], site: str
) -> None:
    town = await _town(database, site, **changes)
    await comments(town, question, kind=kind)
    parts = await _replies(town)
    assert len(parts) > 1
    assert SENTENCE * 8 in "".join(parts).replace("\n", "")
    assert not any("查看全文" in one for one in parts)


async def test_a_short_answer_is_not_cut(database: Database) -> None:
    town = await _town(database)
    await comments(town, SHORT.question)
    (text,) = await _replies(town)
    assert text.startswith("不收费。") and "查看全文" not in text


@pytest.mark.parametrize("text", [wording.answer_text(BY_HAND), f"{SENTENCE * 8}（改过）"])
async def test_what_a_person_answers_for_one_citizen_is_on_no_page(
    database: Database, text: str
) -> None:
    town = await _town(database)
    case_id = await comments(town, "我家的情况比较特殊，请工作人员看看居住证积分")
    case = await town.case(case_id)
    await town.desk.review.send(await town.staff(), case_id, case.version, CONSOLE, text)
    await town.settle()
    parts = await _replies(town)
    assert len(parts) > 1 and not any(SITE + "/a/" in one for one in parts)


@pytest.mark.parametrize(
    ("account", "entry_id"), [("weibo", "hand"), ("weibo", "none"), ("nobody", "long")]
)
async def test_nothing_else_is_shown(database: Database, account: str, entry_id: str) -> None:
    town = await _town(database)
    entry, rows = town.desk.entrances.page("weibo", "long")
    assert entry.id == "long"
    assert rows[0][0].title == "网上续签" and rows[0][0].url.startswith("/go/")
    with pytest.raises(DeskError, match="已经调整"):
        town.desk.entrances.page(account, entry_id)
