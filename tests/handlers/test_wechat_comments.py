"""Comments under the account's articles: fetched, answered in place, once."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from bot.clock import SHANGHAI
from bot.desk.desktop import CONSOLE
from handlers.wechat.comments import Comments
from storage.db import Database
from storage.models import Account, Case, Delivery, Message, Staff
from tests.handlers.test_wechat import OPENID, Scene, scene

ARTICLE, OLDER = "2247483660_1", "2247483001_2"
LOST = "身份证丢了怎么办"


@pytest.fixture
async def plain(database: Database) -> AsyncIterator[Scene]:
    async with scene(database) as opened:
        yield opened


def watching(plain: Scene, *articles: str) -> Comments:
    site = plain.website.app.state.wechat.site
    return Comments(plain.website.desk, site.channel.api, 7, articles)


def publish(plain: Scene, article: str, days_ago: int) -> str:
    day = (datetime.now(SHANGHAI) - timedelta(days=days_ago)).date().isoformat()
    plain.server.published.setdefault(day, []).append(article)
    plain.server.articles.setdefault(article, [])
    return day


async def test_a_comment_is_answered_under_its_article(plain: Scene) -> None:
    publish(plain, ARTICLE, 1)
    comment = plain.server.comment(ARTICLE, OPENID, LOST, int(time.time()) - 60)
    assert await watching(plain).fetch() == 1
    await plain.settled()
    assert "带户口簿" in comment.reply
    assert plain.server.sent == []
    (case,), (message,) = await plain.rows(Case), await plain.rows(Message)
    assert (case.kind, case.state, message.text) == ("comment", "answered", LOST)
    assert int(message.sent_at.timestamp()) == comment.create_time


async def test_the_final_reply_takes_the_place_of_the_acknowledgement(plain: Scene) -> None:
    async with plain.database.write() as session:
        session.add(Staff(login="boss", display_name="王五", role="主管"))
    comment = plain.server.comment(ARTICLE, OPENID, "低保怎么申请", int(time.time()))
    await watching(plain, ARTICLE).fetch()
    await plain.settled()
    assert "工作人员回复您" in comment.reply
    (staff,), (case,) = await plain.rows(Staff), await plain.rows(Case)
    long = "请到户籍所在的街道提出申请，入户核查之后公示。" * 60
    review = plain.website.desk.review
    await review.send(staff, case.id or 0, case.version, CONSOLE, long)
    await plain.settled()
    assert comment.reply.startswith("请到户籍所在的街道")
    assert "没有写完，请私信本账号" in comment.reply
    assert (await plain.rows(Case))[0].state == "answered"


async def test_nothing_takes_the_place_of_an_answer(plain: Scene) -> None:
    comment = plain.server.comment(ARTICLE, OPENID, LOST, int(time.time()))
    await watching(plain, ARTICLE).fetch()
    await plain.settled()
    answer = comment.reply
    assert "带户口簿" in answer
    await plain.website.desk.citizens.helpful("wechat", OPENID, 1)  # asks for a grade
    await plain.settled()
    assert comment.reply == answer
    rating = [one for one in await plain.rows(Delivery) if one.purpose == "rating"]
    assert [one.state for one in rating] == ["failed"]
    # Another comment has a reply of its own.
    more = plain.server.comment(ARTICLE, OPENID, "社保卡丢了怎么补", int(time.time()))
    await watching(plain, ARTICLE).fetch()
    await plain.settled()
    assert "12333" in more.reply and comment.reply == answer


async def test_every_comment_is_taken_once(plain: Scene) -> None:
    for number in range(120):
        plain.server.comment(ARTICLE, f"o{number}", f"沙发{number}", int(time.time()))
    answered = plain.server.comment(ARTICLE, "oOther", LOST, int(time.time()))
    answered.reply = "后台已经回复"
    comments = watching(plain, ARTICLE)
    assert await comments.fetch() == 120
    assert await comments.fetch() == 0
    assert await watching(plain, ARTICLE).fetch() == 0
    assert len(await plain.rows(Message)) == 120
    assert answered.reply == "后台已经回复"


async def test_the_lists_of_past_days_are_asked_for_once(plain: Scene) -> None:
    publish(plain, ARTICLE, 1)
    day = publish(plain, OLDER, 3)
    comments = watching(plain)
    asked = []
    for _ in range(2):
        before = len(plain.server.calls)
        await comments.fetch()
        asked.append(plain.server.calls[before:].count("/datacube/getarticletotal"))
    assert asked == [7, 6]  # a day with an article is known for good
    accounts = [one for one in await plain.rows(Account) if one.key == "wechat"]
    published = accounts[0].last_published_at
    assert published is not None and published.astimezone(SHANGHAI).date().isoformat() > day


async def test_one_article_that_fails_leaves_the_others(plain: Scene) -> None:
    plain.server.comment(ARTICLE, OPENID, LOST, int(time.time()))
    plain.server.fail("/datacube/getarticletotal", 48001, -1)
    assert await watching(plain, "99_1", ARTICLE).fetch() == 1


async def test_a_comment_that_makes_no_sense_is_passed_over(plain: Scene) -> None:
    strange = plain.server.comment(ARTICLE, OPENID, "一", 10**18)
    plain.server.comment(ARTICLE, OPENID, LOST, int(time.time()))
    assert await watching(plain, ARTICLE).fetch() == 1
    assert strange.reply == ""
