"""The ingest API over real HTTP: signatures, messages in, answers out."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from bot.channels.signing import KEY, SIGNATURE, TIMESTAMP, signature
from handlers.api import Source
from handlers.api.posts import MAX_BATCH, MAX_TEXT
from storage.db import Database
from storage.models import Case, CaseEvent, Delivery, Message, MessageVersion
from tests.ingesting import SECRET, SITE, Platform, fetched, platform_of, post
from tests.website import Website, open_website

HAN = re.compile("[一-鿿]")


@pytest.fixture
async def website(database: Database) -> AsyncIterator[Website]:
    async with open_website(database, ingest=SITE, sources=fetched()) as website:
        yield website


@pytest.fixture
def weibo(website: Website) -> Platform:
    return platform_of(website)


async def _rows(database: Database, table: Any) -> list[Any]:
    async with database.read() as session:
        found = list(await session.exec(select(table)))
    return sorted(found, key=lambda one: one.id)


# ---- who calls ----


def test_the_example_of_the_documentation_signs_as_the_program_does() -> None:
    text = (Path(__file__).parents[2] / "docs" / "ingest.md").read_text(encoding="utf-8")
    (snippet,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    example: dict[str, Any] = {}
    exec(snippet, example)
    call = ("1772415000", "POST", "/api/v1/sources/weibo/messages", b'{"external_id":"c1"}')
    made = example["sign"](SECRET, *call)
    assert made == signature(SECRET, *call)
    assert f"`{made}`" in text and SECRET in text


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({SIGNATURE: ""}, "签名"),
        ({SIGNATURE: "0" * 64}, "签名"),
        ({SIGNATURE: "é"}, "签名"),
        ({KEY: "2"}, "口令编号"),
        ({TIMESTAMP: ""}, "X-Wenban-Timestamp"),
        ({TIMESTAMP: "９"}, "X-Wenban-Timestamp"),
        ({TIMESTAMP: "1" * 40}, "X-Wenban-Timestamp"),
        ({TIMESTAMP: "1"}, "校准时钟"),
    ],
)
async def test_a_request_without_the_right_signature_is_refused(
    weibo: Platform, database: Database, changed: dict[str, str], reason: str
) -> None:
    raw = {name: value.encode() for name, value in changed.items()}
    answer = await weibo.send(post(), **raw)  # type: ignore[arg-type]
    assert answer.status_code == 401
    assert reason in answer.json()["error"]
    assert await _rows(database, Message) == []


async def test_another_source_another_path_another_body_needs_its_own_signature(
    weibo: Platform,
) -> None:
    target, now = "/api/v1/sources/weibo/messages", str(int(time.time()))
    made = signature(SECRET, now, "POST", target, b"{}")
    head = {KEY: "1", TIMESTAMP: now, SIGNATURE: made}
    for url, body in (
        (target, b"{ }"),
        (f"{target}:batch", b"{}"),
        (f"{target}?x=1", b"{}"),
        (target.replace("weibo", "douyin"), b"{}"),
    ):
        answer = await weibo.client.post(url, content=body, headers=head)
        assert answer.status_code == 401, url
    assert (await weibo.client.post(target, content=b"{}", headers=head)).status_code == 400


async def test_an_old_signature_is_refused_and_a_young_one_may_be_sent_again(
    weibo: Platform, database: Database
) -> None:
    target = "/api/v1/sources/weibo/messages"
    for age, status in ((400, 401), (-400, 401), (200, 400), (-200, 400)):
        then = str(int(time.time()) - age)
        head = {KEY: "1", TIMESTAMP: then}
        head[SIGNATURE] = signature(SECRET, then, "POST", target, b"{}")
        answer = await weibo.client.post(target, content=b"{}", headers=head)
        assert answer.status_code == status


# ---- messages in ----


async def test_a_message_becomes_a_case_once(weibo: Platform, database: Database) -> None:
    first = await weibo.send(post())
    assert first.status_code == 200 and first.json()["status"] == "new"
    again = await weibo.send(post())
    assert again.json() == {"status": "known", "case": first.json()["case"]}
    (message,) = await _rows(database, Message)
    assert message.text == "身份证丢了怎么办" and message.kind == "comment"
    assert message.sent_at == datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
    (case,) = await _rows(database, Case)
    assert case.opened_at == message.sent_at


async def test_an_edited_message_is_a_version_and_an_old_wording_does_not_come_back(
    weibo: Platform, database: Database
) -> None:
    await weibo.send(post(text="低保怎么申请"))
    unsure = await weibo.send(post(text="低保怎么办"))
    assert unsure.status_code == 409 and "edited_at" in unsure.json()["error"]
    edit = post(text="低保要什么条件", edited_at="2026-03-02T09:40:00+08:00")
    assert (await weibo.send(edit)).json()["status"] == "changed"
    late = post(text="低保怎么申请呢", edited_at="2026-03-02T09:35:00+08:00")
    assert (await weibo.send(late)).json()["status"] == "known"
    (message,) = await _rows(database, Message)
    assert (message.text, message.version) == ("低保要什么条件", 2)
    assert len(await _rows(database, MessageVersion)) == 2


async def test_the_same_citizen_under_two_posts_has_two_matters(
    weibo: Platform, database: Database
) -> None:
    await weibo.send(post(1, "低保怎么申请"))
    await weibo.send(post(2, "低保怎么申请", post_id="p2"))
    await weibo.send(post(3, "低保怎么申请", kind="direct", post_id=""))
    assert len({case.thread for case in await _rows(database, Case)}) == 3


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"sent_at": "2026-03-02T09:30:00"}, "sent_at：没有时区"),
        ({"sent_at": "昨天"}, "sent_at：认不出来"),
        ({"sent_at": 1772415000}, "sent_at：时间要写成文字"),
        ({"sent_at": "2199-03-02T09:30:00+08:00"}, "sent_at：早于 2000 年或在将来"),
        ({"text": "  \u0007 "}, "text：没有文字"),
        ({"text": "好" * (MAX_TEXT + 1)}, "text：太长，最多 10000 字"),
        ({"text": None}, "text：要填文字"),
        ({"kind": "dm"}, "kind：只能是"),
        ({"external_id": ""}, "external_id：不能为空"),
        ({"citizen_id": "a\nb"}, "citizen_id：不能有换行"),
        ({"likes": 3}, "likes：没有这一项"),
    ],
)
async def test_a_wrong_message_is_refused_with_the_reason(
    weibo: Platform, change: dict[str, Any], reason: str
) -> None:
    answer = await weibo.send({**post(), **change})
    assert answer.status_code == 400
    assert reason in answer.json()["error"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 5000, b'{"a": 1e999}'])
async def test_what_is_no_message_is_refused_in_chinese(weibo: Platform, body: bytes) -> None:
    for path in ("messages", "messages:batch", "replies/1/confirm", "replies/1/decline"):
        answer = await weibo.call("POST", path, body)
        assert answer.status_code == 400
        assert set(answer.json()) == {"error"} and HAN.search(answer.json()["error"])


async def test_too_much_is_refused(weibo: Platform) -> None:
    assert (await weibo.send(b" " * 200_000)).status_code == 413
    many = await weibo.batch([1] * (MAX_BATCH + 1))
    assert many.status_code == 413 and "分几批" in many.json()["error"]


async def test_a_batch_takes_what_is_right_and_names_the_rest(
    weibo: Platform, database: Database
) -> None:
    await weibo.send(post(1, "低保怎么申请"))
    answer = await weibo.batch(
        [
            post(1, "低保怎么申请"),
            post(2, "社保卡丢了怎么补", citizen_id="u8"),
            "不是对象",
            post(3, sent_at="昨天"),
            {"external_id": 5},
            post(2, "社保卡丢了怎么补", citizen_id="u8"),
            post(4, "第一版", citizen_id="u9"),
            post(4, "第二版", citizen_id="u9", edited_at="2026-03-03T09:30:00+08:00"),
        ]
    )
    assert answer.status_code == 200
    found = answer.json()
    assert (found["taken"], found["refused"]) == (5, 3)
    states = [one["status"] for one in found["results"]]
    assert states == ["known", "new", "refused", "refused", "refused", "known", "new", "changed"]
    assert [one["index"] for one in found["results"]] == list(range(8))
    assert all(HAN.search(one["error"]) for one in found["results"] if one["error"])
    assert {one.external_id for one in await _rows(database, Message)} == {"c1", "c2", "c4"}


async def test_a_full_batch_is_taken_whole_and_again_without_effect(database: Database) -> None:
    many = replace(SITE, max_waiting=2 * MAX_BATCH)
    rows = [post(n, f"低保怎么申请（{n}）", citizen_id=f"u{n}") for n in range(MAX_BATCH)]
    async with open_website(database, ingest=many, sources=fetched(), working=False) as website:
        weibo = platform_of(website)
        weibo.client.timeout = None
        for status in ("new", "known"):
            found = (await weibo.batch(rows)).json()
            assert (found["taken"], found["refused"]) == (MAX_BATCH, 0)
            assert {one["status"] for one in found["results"]} == {status}
    stored = await _rows(database, Message)
    assert [one.external_id for one in stored] == [row["external_id"] for row in rows]
    assert len({one.case_id for one in stored}) == MAX_BATCH


async def test_when_too_much_waits_the_caller_is_asked_to_wait(database: Database) -> None:
    full = replace(SITE, max_waiting=2)
    async with open_website(database, ingest=full, sources=fetched(), working=False) as website:
        weibo = platform_of(website)
        for number in range(3):
            taken = await weibo.send(post(number, citizen_id=f"u{number}"))
            assert taken.status_code == 200
        refused = await weibo.send(post(9, citizen_id="u9"))
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) >= 1
        assert "再送" in refused.json()["error"]
        assert (await weibo.batch([post(9, citizen_id="u9")])).status_code == 503
        await website.desk.answering.consider_due()
        assert (await weibo.send(post(9, citizen_id="u9"))).status_code == 200


# ---- answers out ----


async def test_an_answer_is_fetched_and_stops_the_clock_only_when_confirmed(
    weibo: Platform, database: Database
) -> None:
    await weibo.send(post())
    reply = await weibo.reply()
    assert reply["reply_to"] == "c1" and reply["post_id"] == "p1"
    assert reply["citizen_id"] == "u7" and reply["purpose"] == "reply"
    assert "派出所补领" in reply["text"] and "http" not in reply["text"]
    assert "没解决请回复“转人工”" in reply["text"]
    (case,) = await _rows(database, Case)
    assert case.state == "replying" and case.answered_at is None
    assert (await weibo.reply())["id"] == reply["id"]

    at = datetime.now(UTC)
    told = {"posted_at": at.isoformat(), "external_id": "w5"}
    confirmed = await weibo.call("POST", f"replies/{reply['id']}/confirm", told)
    assert confirmed.json() == {"new": True}
    (case,) = await _rows(database, Case)
    assert case.state == "answered" and case.answered_at == at
    assert (await weibo.replies())["replies"] == []
    again = await weibo.call("POST", f"replies/{reply['id']}/confirm", {})
    assert again.json() == {"new": False}
    (case,) = await _rows(database, Case)
    assert case.answered_at == at


async def test_a_citizen_without_buttons_says_that_it_did_not_help(
    weibo: Platform, database: Database
) -> None:
    case = (await weibo.send(post())).json()["case"]
    reply = await weibo.reply()
    await weibo.call("POST", f"replies/{reply['id']}/confirm", {})
    now = datetime.now(UTC).isoformat()
    more = await weibo.send(post(2, "转人工", sent_at=now))
    assert more.json()["case"] == case
    kinds = [one.kind for one in await _rows(database, CaseEvent)]
    assert "not_helpful" in kinds


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_time_that_cannot_be_is_refused(weibo: Platform, hours: int) -> None:
    await weibo.send(post())
    reply = await weibo.reply()
    then = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
    answer = await weibo.call("POST", f"replies/{reply['id']}/confirm", {"posted_at": then})
    assert answer.status_code in (400, 409)
    assert "时钟" in answer.json()["error"]


@pytest.mark.parametrize("gone", [False, True])
async def test_an_answer_that_cannot_be_posted_comes_back_to_staff(
    weibo: Platform, database: Database, gone: bool
) -> None:
    await weibo.send(post())
    reply = await weibo.reply()
    path = f"replies/{reply['id']}/decline"
    assert (await weibo.call("POST", path, {"reason": "原帖已删除", "gone": gone})).json()["new"]
    (case,) = await _rows(database, Case)
    assert case.state == "waiting" and case.answered_at is None
    assert not (await weibo.call("POST", path, {"reason": "原帖已删除"})).json()["new"]
    confirm = await weibo.call("POST", f"replies/{reply['id']}/confirm", {})
    assert confirm.status_code == 409 and "原帖已删除" in confirm.json()["error"]


async def test_parts_of_a_long_answer_are_confirmed_in_their_order(database: Database) -> None:
    async with open_website(database, ingest=SITE, sources=fetched(max_length=50)) as website:
        weibo = platform_of(website)
        await weibo.send(post())
        found = await weibo.whole_reply()
        assert len(found) > 1 and all(len(one["text"]) <= 50 for one in found)
        last = f"replies/{found[-1]['id']}/confirm"
        early = await weibo.call("POST", last, {})
        assert early.status_code == 409 and "先后" in early.json()["error"]
        for one in found[:-1]:
            await weibo.call("POST", f"replies/{one['id']}/confirm", {})
        (case,) = await _rows(database, Case)
        assert case.state == "replying"
        assert (await weibo.call("POST", last, {})).json() == {"new": True}
        (case,) = await _rows(database, Case)
        assert case.state == "answered"


async def test_many_answers_come_in_pages(database: Database) -> None:
    async with open_website(database, ingest=SITE, sources=fetched(), working=False) as website:
        weibo, desk = platform_of(website), website.desk
        rows = [post(n, citizen_id=f"u{n}") for n in range(130)]
        await weibo.batch(rows)
        while await desk.answering.consider_due():
            pass
        while await desk.dispatch.deliver_due():
            pass
        first = await weibo.replies()
        assert first["more"] and len(first["replies"]) == 100
        rest = await weibo.replies(int(first["replies"][-1]["id"]))
        assert not rest["more"] and len(rest["replies"]) == 30
        assert len({one["citizen_id"] for one in first["replies"] + rest["replies"]}) == 130


async def test_what_was_handed_over_survives_a_restart_and_is_not_sent_again(
    database: Database,
) -> None:
    async with open_website(database, ingest=SITE, sources=fetched()) as website:
        weibo = platform_of(website)
        await weibo.send(post())
        reply = await weibo.reply()
    async with open_website(database, ingest=SITE, sources=fetched()) as website:
        weibo = platform_of(website)
        assert await website.desk.dispatch.deliver_due() == 0
        assert (await weibo.replies())["replies"] == [reply]
    (row,) = await _rows(database, Delivery)
    assert row.state == "handed" and row.attempts == 1


async def test_each_source_sees_its_own_answers_only(database: Database) -> None:
    both = replace(SITE, sources={**SITE.sources, "douyin": Source("9", SECRET, fetches=False)})
    ways = {**fetched(), "douyin": fetched()["weibo"]}
    async with open_website(database, ingest=both, sources=ways) as website:
        weibo, douyin = platform_of(website), platform_of(website, source="douyin", key_id="9")
        await weibo.send(post())
        reply = await weibo.reply()
        answer = await douyin.call("GET", "replies")
        assert answer.status_code == 409 and "delivery" in answer.json()["error"]
        website.app.state.ingest = replace(
            website.app.state.ingest,
            site=replace(both, sources={**both.sources, "douyin": Source("9", SECRET, True)}),
        )
        assert (await douyin.replies())["replies"] == []
        other = await douyin.call("POST", f"replies/{reply['id']}/confirm", {})
        assert other.status_code == 409 and "没有这条" in other.json()["error"]


# ---- the description ----


async def test_the_description_names_every_route_without_a_secret(website: Website) -> None:
    answer = await website.browser().get("/api/v1/openapi.json")
    assert answer.status_code == 200 and SECRET not in answer.text
    described = answer.json()
    assert set(described["paths"]) == {
        "/api/v1/sources/{source}/messages",
        "/api/v1/sources/{source}/messages:batch",
        "/api/v1/sources/{source}/replies",
        "/api/v1/sources/{source}/replies/{reply}/confirm",
        "/api/v1/sources/{source}/replies/{reply}/decline",
    }
    assert "http" not in answer.text


async def test_without_sources_there_is_no_way_in(database: Database) -> None:
    async with open_website(database) as website:
        answer = await website.browser().get("/api/v1/openapi.json")
        assert answer.status_code == 404
