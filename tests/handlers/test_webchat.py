"""The web chat's routes over real HTTP, with a real desk and database."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlmodel import select

from bot.channels.base import Button, Outgoing
from handlers.webchat.door import COOKIE, Visitor
from handlers.webchat.stream import MAX_PER_VISITOR
from storage import outbox
from storage.db import Database
from storage.models import Case, Citizen, Delivery, Message
from storage.terms import Purpose
from tests.website import (
    SITE,
    Website,
    answers,
    lines,
    open_website,
    streaming,
    visitor_of,
    write,
)

LOST = "身份证丢了怎么办"
RENT = "租房怎么提取公积金"


# ---- who writes ----


async def test_looking_at_the_page_leaves_no_cookie(website: Website) -> None:
    client = website.browser()
    for path in ("/", "/chat/history", "/chat/mine", "/chat/mydata", "/chat/menu"):
        answer = await client.get(path)
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
    assert (await client.get("/chat/events")).status_code == 204


async def test_the_first_message_makes_a_visitor_whose_secret_is_not_stored(
    website: Website, database: Database
) -> None:
    client = website.browser()
    cookie = (await write(client, LOST)).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert "secure" not in cookie.lower()
    token = visitor_of(client)
    assert len(token) == 32
    async with database.read() as session:
        citizen = (await session.exec(select(Citizen))).one()
    assert citizen.external_id == Visitor(token).id != token


async def test_behind_https_the_cookie_is_secure(database: Database) -> None:
    site = replace(SITE, public_url="https://wenban.example")
    async with open_website(database, site) as website:
        answer = await write(website.browser(), LOST)
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize("forged", ["", "x", "../../etc", "G" * 32, "a" * 31, "a" * 500])
async def test_a_cookie_we_never_gave_out_is_a_stranger(website: Website, forged: str) -> None:
    client = website.browser(cookie=f"{COOKIE}={forged}")
    assert (await client.get("/chat/history")).json()["known"] is False
    assert (await client.get("/chat/events")).status_code == 204
    answer = await write(website.browser(cookie=f"{COOKIE}={forged}"), LOST)
    assert answer.status_code == 200
    assert COOKIE in answer.headers["set-cookie"]


async def test_a_guessed_cookie_shows_nothing_of_others(website: Website) -> None:
    first = website.browser()
    await write(first, LOST)
    await answers(first)
    stranger = website.browser(cookie=f"{COOKIE}={'0' * 32}")
    assert await lines(stranger) == []
    # Nor does the id that is stored, which staff may see.
    stored = Visitor(visitor_of(first)).id
    assert await lines(website.browser(cookie=f"{COOKIE}={stored}")) == []


async def test_a_visitor_introduced_beforehand_is_the_same_at_the_first_message(
    website: Website,
) -> None:
    client = website.browser()
    assert (await client.post("/chat/visitor", json={})).json() == {"known": True}
    token = visitor_of(client)
    await client.post("/chat/visitor", json={})
    await write(client, LOST)
    assert visitor_of(client) == token


# ---- writing ----


async def test_a_question_is_answered_on_the_page(website: Website) -> None:
    client = website.browser()
    identity = str(uuid4())
    receipt = await write(client, LOST, identity)
    assert receipt.json()["id"] == identity
    (answer,) = await answers(client)
    assert "带户口簿" in answer["text"]
    titles = [button["title"] for row in answer["rows"] for button in row]
    assert titles == ["预约补领", "有帮助", "没解决"]
    mine, theirs = await lines(client)
    assert (mine["mine"], mine["key"], mine["text"]) == (True, identity, LOST)
    assert theirs["key"] == answer["key"]


async def test_the_same_message_sent_again_is_stored_once(
    website: Website, database: Database
) -> None:
    client = website.browser()
    identity = str(uuid4())
    first = await write(client, LOST, identity)
    again = await asyncio.gather(*(write(client, LOST, identity) for _ in range(3)))
    assert first.json()["duplicate"] is False
    assert all(one.json()["duplicate"] for one in again)
    async with database.read() as session:
        assert len(list(await session.exec(select(Message)))) == 1


async def test_two_visitors_may_use_the_same_message_id(website: Website) -> None:
    identity = str(uuid4())
    first, second = website.browser(), website.browser()
    await write(first, LOST, identity)
    receipt = await write(second, RENT, identity)
    assert receipt.json()["duplicate"] is False
    assert (await lines(second))[0]["text"] == RENT


@pytest.mark.parametrize("text", ["", "   \n ", "\x00\x01"])
async def test_an_empty_message_is_refused(website: Website, text: str) -> None:
    answer = await write(website.browser(), text)
    assert answer.status_code == 400
    assert answer.json() == {"error": "请先写下您要咨询的内容。"}
    assert "set-cookie" not in answer.headers


async def test_a_long_message_is_refused_with_its_length(website: Website) -> None:
    client = website.browser()
    answer = await write(client, "字" * 2001)
    assert answer.status_code == 413
    assert answer.json()["error"] == "一次最多发 2000 字，您写了 2001 字，请分几条发。"
    assert (await write(client, "😀" * 2000)).status_code == 200


async def test_what_a_database_cannot_hold_is_taken_out(website: Website) -> None:
    client = website.browser()
    text = "身份\\u0000证\\ud800丢了\\r\\n怎么办\\u0007"
    body = f'{{"id": "{uuid4()}", "text": "{text}"}}'
    answer = await client.post(
        "/chat/messages", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 200
    assert (await lines(client))[0]["text"] == "身份证丢了\n怎么办"


async def test_the_history_tells_who_is_at_work(database: Database) -> None:
    async with open_website(database, working=False) as website:
        client = website.browser()
        await write(client, "低保怎么申请")
        history = (await client.get("/chat/history")).json()
        assert (history["busy"], history["waiting"]) == (True, False)
        await website.desk.answering.consider_due()
        history = (await client.get("/chat/history")).json()
        assert (history["busy"], history["waiting"]) == (False, True)


async def test_markup_is_kept_as_it_was_written(website: Website) -> None:
    client = website.browser()
    await write(client, "<script>alert(1)</script>")
    answer = await client.get("/chat/history")
    assert answer.json()["lines"][0]["text"] == "<script>alert(1)</script>"
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"text": "x"}',
        b'{"id": "1", "text": "x"}',
        b'{"id": "6f2f0a34-58a5-4f0c-8c55-000000000000", "text": 5}',
        b"\xff\xfe",
    ],
)
async def test_a_malformed_message_is_refused_in_words(website: Website, body: bytes) -> None:
    answer = await website.browser().post(
        "/chat/messages", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400
    assert answer.json() == {"error": "请求的内容不完整或格式不对，请刷新页面再试。"}


async def test_too_many_messages_are_slowed_down_and_nothing_is_lost(database: Database) -> None:
    site = replace(SITE, messages_per_minute=3)
    async with open_website(database, site) as website:
        client = website.browser()
        await client.post("/chat/visitor", json={})
        codes = [(await write(client, f"第 {number} 个问题")).status_code for number in range(3)]
        refused = await write(client, "第四个问题")
        assert codes == [200, 200, 200]
        assert refused.status_code == 429
        seconds = int(refused.headers["retry-after"])
        assert 1 <= seconds <= 20
        assert f"请等 {seconds} 秒" in refused.json()["error"]
        other = website.browser()
        assert (await write(other, LOST)).status_code == 200


async def test_one_address_cannot_make_visitors_without_end(database: Database) -> None:
    site = replace(SITE, messages_per_minute=1)
    async with open_website(database, site, working=False) as website:
        codes = []
        for _ in range(7):
            client = website.browser(**{"x-forwarded-for": "203.0.113.9"})
            codes.append((await client.post("/chat/visitor", json={})).status_code)
        elsewhere = website.browser(**{"x-forwarded-for": "203.0.113.9, 203.0.113.10"})
        assert (await elsewhere.post("/chat/visitor", json={})).status_code == 200
    assert codes == [200] * 6 + [429]


# ---- other sites ----


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-type": ""}, 415),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "null", "sec-fetch-site": "same-origin"}, 200),
        ({"origin": "https://wenban.example"}, 200),
        ({"content-type": "application/json; charset=utf-8"}, 200),
    ],
)
async def test_only_our_own_page_may_write(
    database: Database, headers: dict[str, str], status: int
) -> None:
    site = replace(SITE, public_url="https://wenban.example")
    async with open_website(database, site) as website:
        client = website.browser()
        body = json.dumps({"id": str(uuid4()), "text": LOST})
        answer = await client.post(
            "/chat/messages",
            content=body.encode(),
            headers={"content-type": "application/json", **headers},
        )
        own = await client.post("/chat/visitor", json={}, headers={"origin": website.url})
    assert answer.status_code == status
    assert own.status_code == 200


@pytest.mark.parametrize(
    "path", ["/chat/messages", "/chat/actions", "/chat/comments", "/chat/erase"]
)
async def test_every_writing_route_is_guarded(website: Website, path: str) -> None:
    client = website.browser()
    await write(client, LOST)
    answer = await client.post(path, json={}, headers={"origin": "https://evil.example"})
    assert answer.status_code == 403
    assert (await client.get(path)).status_code == 405
    assert len([line for line in await lines(client) if line["mine"]]) == 1


# ---- choices ----


async def press(client: object, action: str) -> tuple[int, str]:
    answer = await client.post("/chat/actions", json={"action": action})  # type: ignore[attr-defined]
    body = answer.json()
    return answer.status_code, body.get("text") or body["error"]


async def test_feedback_and_rating_reach_the_case(website: Website, database: Database) -> None:
    client = website.browser()
    case = (await write(client, LOST)).json()["case"]
    await answers(client)
    assert await press(client, f"c:helpful:{case}") == (200, "谢谢您的反馈。")
    first, rating = await answers(client, 2)
    assert (first["spent"], first["pressed"]) == (True, f"c:helpful:{case}")
    assert (rating["spent"], rating["pressed"]) == (False, "")
    status, text = await press(client, f"c:rate:{case}:2")
    assert (status, "满意" in text) == (200, True)
    _, rating = await answers(client, 2)
    assert (rating["spent"], rating["pressed"]) == (True, f"c:rate:{case}:2")
    async with database.read() as session:
        assert (await session.get_one(Case, case)).grade == 2


async def say_of(client: object, case: int, text: str) -> tuple[int, str]:
    answer = await client.post("/chat/comments", json={"case": case, "text": text})  # type: ignore[attr-defined]
    body = answer.json()
    return answer.status_code, body.get("text") or body["error"]


async def test_a_grade_is_commented_on_twice(website: Website, database: Database) -> None:
    client, stranger = website.browser(), website.browser()
    case = (await write(client, LOST)).json()["case"]
    await answers(client)
    assert (await say_of(client, case, "很快"))[0] == 409
    await press(client, f"c:helpful:{case}")
    await answers(client, 2)
    await press(client, f"c:rate:{case}:4")
    assert [line["opinion"] for line in await answers(client, 2)] == [0, 2]
    await write(stranger, RENT)
    assert await say_of(stranger, case, "很差") == (409, "这不是您的诉求，只有提问的人能操作。")
    assert (await say_of(client, case, " "))[0] == 400
    status, text = await say_of(client, case, "<b>不清楚</b>")
    assert (status, "意见" in text) == (200, True)
    assert [line["opinion"] for line in await answers(client, 2)] == [0, 1]
    assert "追评" in (await say_of(client, case, "补办好了"))[1]
    assert [line["opinion"] for line in await answers(client, 2)] == [0, 0]
    assert (await say_of(client, case, "再说"))[0] == 409
    assert (await say_of(website.browser(), case, "很好"))[0] == 403
    assert (await client.post("/chat/comments", json={"case": 10**12, "text": "好"})).is_error
    async with database.read() as session:
        row = await session.get_one(Case, case)
        assert (row.comment, row.follow_up) == ("<b>不清楚</b>", "补办好了")


async def test_unhelpful_brings_a_person(website: Website) -> None:
    client = website.browser()
    case = (await write(client, LOST)).json()["case"]
    await answers(client)
    status, _ = await press(client, f"c:unhelpful:{case}")
    first, handed = await answers(client, 2)
    assert status == 200
    assert first["pressed"] == f"c:unhelpful:{case}"
    assert "工作人员" in handed["text"]


async def test_nobody_acts_on_another_ones_case(website: Website, database: Database) -> None:
    owner, stranger = website.browser(), website.browser()
    case = (await write(owner, LOST)).json()["case"]
    await answers(owner)
    await write(stranger, RENT)
    await answers(stranger)
    for action in ("helpful:{}", "unhelpful:{}", "rate:{}:1", "choose:{}:0", "choose:{}:none"):
        status, text = await press(stranger, "c:" + action.format(case))
        assert (status, text) == (409, "这不是您的诉求，只有提问的人能操作。")
    assert await press(website.browser(), f"c:helpful:{case}") == (
        403,
        "请先发一条消息，再点按钮。",
    )
    async with database.read() as session:
        assert (await session.get_one(Case, case)).state == "answered"


@pytest.mark.parametrize(
    "action",
    [
        "",
        "helpful:1",
        "c:helpful",
        "c:helpful:1:1",
        "c:helpful:x",
        "c:rate:1",
        "c:rate:1:none",
        "c:rate:1:55",
        "c:choose:1",
        "c:choose:1:",
        "c:choose:1:-1",
        "c:helpful:99999999999",
        "s:adopt:1:1",
        "c:helpful:1\n",
        "c:helpful:１",
    ],
)
async def test_a_button_that_is_none_of_ours_is_refused(website: Website, action: str) -> None:
    client = website.browser()
    await write(client, LOST)
    assert await press(client, action) == (400, "这个按钮已经失效，请刷新页面。")


async def test_a_grade_or_choice_that_does_not_exist_is_refused(website: Website) -> None:
    client = website.browser()
    case = (await write(client, LOST)).json()["case"]
    await answers(client)
    for action in (f"c:rate:{case}:0", f"c:rate:{case}:9", f"c:choose:{case}:9"):
        status, _ = await press(client, action)
        assert status == 409
    assert (await press(client, "c:helpful:987654"))[0] == 409


async def test_choices_of_an_outdated_question_are_closed(
    website: Website, database: Database
) -> None:
    client = website.browser()
    case = (await write(client, LOST)).json()["case"]
    await answers(client)
    place = Visitor(visitor_of(client)).id
    rows = ((Button("甲", action=f"c:choose:{case}:0"),),)
    await _deliver(website, place, Outgoing("您要办的是哪一件？", rows), case)
    assert [line["spent"] for line in await answers(client, 2)] == [False, True]


async def test_links_only_go_where_links_may_go(website: Website) -> None:
    client = website.browser()
    case = (await write(client, LOST)).json()["case"]
    await answers(client)
    rows = (
        (Button("坏", url="javascript:alert(1)"), Button("好", url="https://a.example/")),
        (Button("也坏", url="data:text/html,x"), Button("电话", url="tel:12345")),
    )
    await _deliver(website, Visitor(visitor_of(client)).id, Outgoing("看这里", rows), case)
    found = (await answers(client, 2))[1]["rows"]
    assert [[button["title"] for button in row] for row in found] == [["好"], ["电话"]]


# ---- the event stream ----


async def test_the_stream_brings_lines_as_they_appear(website: Website) -> None:
    client = website.browser()
    await client.post("/chat/visitor", json={})
    async with asyncio.timeout(10), streaming(client) as events:
        await write(client, LOST)
        _, mine = await anext(events)
        identity, answer = await anext(events)
    assert (mine["mine"], mine["text"]) == (True, LOST)
    assert "带户口簿" in answer["text"]
    assert identity == answer["cursor"]


async def test_a_stream_resumes_after_the_last_event_and_after_a_restart(
    database: Database,
) -> None:
    async with open_website(database) as website:
        client = website.browser()
        await write(client, LOST)
        await answers(client)
        async with asyncio.timeout(10), streaming(client) as events:
            await anext(events)
            last, _ = await anext(events)
        await write(client, RENT)
        cookies = client.cookies
        await answers(client, 2)
    async with open_website(database) as website:
        client = website.browser()
        client.cookies = cookies
        async with asyncio.timeout(10), streaming(client, after="0.0", last=last) as events:
            found = [(await anext(events))[1] for _ in range(2)]
        assert [line["mine"] for line in found] == [True, False]
        assert found[0]["text"] == RENT
        history = (await client.get("/chat/history")).json()
        assert [line["mine"] for line in history["lines"]] == [True, False, True, False]
        assert history["cursor"] == found[1]["cursor"]


async def test_a_stream_with_a_strange_cursor_starts_from_the_beginning(website: Website) -> None:
    client = website.browser()
    await write(client, LOST)
    await answers(client)
    for last in ("x", "-1", "1.2.3", "9" * 40):
        async with asyncio.timeout(10), streaming(client, last=last) as events:
            assert (await anext(events))[1]["text"] == LOST


async def test_a_stream_never_brings_another_ones_lines(website: Website) -> None:
    first, second = website.browser(), website.browser()
    await first.post("/chat/visitor", json={})
    await write(second, RENT)
    await answers(second)
    async with asyncio.timeout(10), streaming(first) as events:
        await write(second, "公积金租房提取要什么材料")
        await answers(second, 2)
        await write(first, LOST)
        assert (await anext(events))[1]["text"] == LOST


async def test_an_edited_message_names_the_line_it_replaces(website: Website) -> None:
    client = website.browser()
    case = (await write(client, LOST)).json()["case"]
    (first,) = await answers(client)
    place = Visitor(visitor_of(client)).id
    await _deliver(website, place, Outgoing("更正后的答复", edits=first["key"]), case)
    async with asyncio.timeout(10), streaming(client, after=first["cursor"]) as events:
        _, line = await anext(events)
    assert (line["edits"], line["text"]) == (first["key"], "更正后的答复")


async def test_a_quiet_stream_beats_and_ends_when_the_program_stops(database: Database) -> None:
    async with open_website(database) as website:
        website.app.state.webchat.streams.heartbeat = 0.05
        client = website.browser()
        await client.post("/chat/visitor", json={})
        async with asyncio.timeout(10), client.stream("GET", "/chat/events") as response:
            assert response.headers["cache-control"] == "no-store"
            rows = response.aiter_lines()
            beats = 0
            while beats < 3:
                beats += await anext(rows) == "event: ping"
            website.app.state.webchat.streams.close()
            async for _ in rows:
                pass
        assert (await client.get("/chat/events")).status_code == 503


async def test_streams_of_one_visitor_are_limited_and_freed(website: Website) -> None:
    client = website.browser()
    await client.post("/chat/visitor", json={})
    streams = website.app.state.webchat.streams
    visitor = Visitor(visitor_of(client)).id
    async with asyncio.timeout(10):
        opened = [streaming(client) for _ in range(MAX_PER_VISITOR)]
        for one in opened:
            await one.__aenter__()
        refused = await client.get("/chat/events")
        for one in opened:
            await one.__aexit__(None, None, None)
        while streams.full(visitor):  # noqa: ASYNC110  (the server notices on its own)
            await asyncio.sleep(0.02)
        async with streaming(client):
            pass
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "5"


# ---- looking up and erasing ----


async def test_a_visitor_sees_their_cases_and_what_is_stored(website: Website) -> None:
    client = website.browser()
    await write(client, LOST)
    await answers(client)
    assert LOST in (await client.get("/chat/mine")).json()["text"]
    stored = (await client.get("/chat/mydata")).json()
    assert stored["stored"] is True
    assert "1 条消息" in stored["text"]
    assert (await website.browser().get("/chat/mydata")).json()["stored"] is False


async def test_erasing_takes_a_confirmation_and_leaves_nothing(
    website: Website, database: Database
) -> None:
    client = website.browser()
    await write(client, LOST)
    await answers(client)
    cookies = dict(client.cookies)
    assert (await client.post("/chat/erase", json={"confirm": False})).status_code == 400
    assert (await client.post("/chat/erase", json={})).status_code == 400
    assert len(await lines(client)) == 2
    answer = await client.post("/chat/erase", json={"confirm": True})
    assert "已删除" in answer.json()["text"]
    assert visitor_of(client) == ""
    assert await lines(website.browser(cookie=f"{COOKIE}={cookies[COOKIE]}")) == []
    async with database.read() as session:
        assert LOST not in str(list(await session.exec(select(Message.text))))


# ---- the page ----


async def test_the_page_carries_the_accounts_name_as_text(database: Database) -> None:
    site = replace(SITE, name="<云川> & 市", greeting="您好 {{max}}")
    async with open_website(database, site) as website:
        page = (await website.browser().get("/")).text
    assert "<h1>&lt;云川&gt; &amp; 市</h1>" in page
    assert "您好 {{max}}" in page
    assert 'data-max="2000"' in page


async def test_the_page_is_small_whole_and_from_here_alone(website: Website) -> None:
    client = website.browser()
    page = await client.get("/")
    total = len(page.content)
    paths = [part.split('"')[0] for part in page.text.split('="/chat/static/')[1:]]
    assert len(paths) == 3
    for path in paths:
        asset = await client.get(f"/chat/static/{path}")
        assert asset.status_code == 200
        assert "immutable" in asset.headers["cache-control"]
        plain = await client.get(f"/chat/static/{path}", headers={"accept-encoding": "identity"})
        assert plain.content == asset.content
        # The only address in the page's files is the name of the SVG language.
        assert "http" not in asset.text.replace("http://www.w3.org/2000/svg", "")
        total += len(asset.content)
    assert total < 50_000
    assert page.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", ["none.js", "index.html", "..%2fdoor.py", "%00"])
async def test_other_files_are_not_served(website: Website, name: str) -> None:
    answer = await website.browser().get(f"/chat/static/{name}")
    assert answer.status_code == 404
    assert "error" in answer.json()


async def _deliver(website: Website, place: str, outgoing: Outgoing, case: int) -> None:
    """Put something into the visitor's mailbox through the real outbox."""
    db, dedupe = website.desk.office.db, str(uuid4())
    async with db.write() as session:
        account_id = (await session.get_one(Case, case)).account_id
        assert await outbox.enqueue(
            session,
            account_id=account_id,
            place=place,
            purpose=Purpose.NOTICE,
            payload=outgoing.to_json(),
            dedupe=dedupe,
            case_id=case,
        )
    query = select(Delivery.state).where(Delivery.dedupe == dedupe)
    async with asyncio.timeout(10):
        while True:
            async with db.read() as session:
                if (await session.exec(query)).one() == "sent":
                    return
            await asyncio.sleep(0.02)
