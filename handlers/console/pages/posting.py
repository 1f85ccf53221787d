"""待发布: answers that a person posts on the platform, copied here and marked as posted."""

from __future__ import annotations

from fastapi import Request
from nicegui import Client, ui

from bot.desk.countdown import ago, exact_moment
from bot.desk.handing import ToPost
from bot.desk.wording import spoken_day
from handlers.console.pages.parts import button, choose, tag, word
from handlers.console.pages.standing import StandingList, nothing
from handlers.console.visit import PATIENCE, Visit, on_page, visit_of
from handlers.console.words import PURPOSES
from knowledge.masking import mask
from storage.models import Staff
from storage.terms import Purpose

_LOOK = 4.0
_ASKED = 120
_KEYS = {
    "j": "下一条",
    "k": "上一条",
    "c": "复制这一条的文字",
    "p": "已在平台上发布",
    "x": "发布不了，退回待办",
    "Enter": "打开诉求",
    "l": "看最新的",
    "?": "这张表",
}
_ANSWERS = (Purpose.REPLY, Purpose.REPLY_PART, Purpose.PINNED)
_WHY_NOT = {
    "原帖或原评论已删除": "原帖或原评论已删除",
    "评论区已关闭": "评论区已关闭",
    "平台提示内容不能发布": "平台提示内容不能发布",
    "答复要改": "答复要改",
}


@ui.page("/posting", response_timeout=PATIENCE)
async def posting(request: Request, client: Client) -> None:
    await PostingPage(visit_of(request, client)).start()


class PostingPage(StandingList[ToPost]):
    """Answers lie here until a person says that they stand on the platform, or cannot."""

    title = "待发布"
    keys = _KEYS

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit)
        ui.timer(_LOOK, self.look)  # what is handed over is no event of a case

    async def find(self, staff: Staff) -> list[ToPost]:
        return await self.visit.desk.handing.for_staff(staff)

    def stamp(self, one: ToPost) -> object:
        return one.handed.delivery.id

    def head(self, count: int) -> None:
        if count:
            text = f"{count:,} 条要到平台上发布。标记“已发布”才算送达，计时停在标记的时刻。"
            word(text, "kb-why soft", name="div")
            return
        nothing(
            "没有要手工发布的答复。", "没有接口的平台，写好的答复会出现在这里；复制、发布、标记。"
        )

    def row(self, one: ToPost) -> ui.element:
        case, delivery = one.handed.case, one.handed.delivery
        with tag("div", "posting").props(f'data-delivery="{delivery.id}"'):
            with tag("div", "posting-head"):
                word(f"{one.handed.account.platform} · {one.handed.account.name}", "kb-state")
                with tag("a", "who grow").props(f'href="/console/case/{case.id}"') as link:
                    word(self._for_whom(one))
                now = self.visit.desk.office.now()
                written = delivery.created_at
                word(f"写好 {ago(written, now)}", "soft", exact_moment(written))
                if case.due_at is not None:
                    late = case.due_at < now
                    words = f"{'已超期，应在' if late else ''}{spoken_day(case.due_at)}前"
                    word(words, "bad" if late else "soft", exact_moment(case.due_at))
            word(self._where(one), "soft", name="div")
            word(f"群众说：{mask(one.handed.asked[:_ASKED])}", "posting-asked", name="div")
            self._parts(one)
            self._foot(one)
        return link

    def _for_whom(self, one: ToPost) -> str:
        if _pinned(one):
            return f"置顶答复 · 答复 {one.behind:,} 人"
        return f"#{one.handed.case.id} 答复 {one.handed.citizen.display_name or '（没有昵称）'}"

    def _where(self, one: ToPost) -> str:
        """Where on the platform it belongs."""
        spot = one.spot
        if _pinned(one):
            return f"帖子 {spot.post} · 发在帖子下面并置顶，发布之前问的都由它答复"
        if spot.kind != "comment":
            return f"私信 · 群众编号 {spot.citizen}"
        places = [
            f"帖子 {spot.post}" if spot.post else "",
            f"楼 {spot.thread}" if spot.thread else "",
            f"评论 {one.reply_to}" if one.reply_to else "",
        ]
        return " · ".join(("公开评论", *filter(None, places)))

    def _parts(self, one: ToPost) -> None:
        for number, text in enumerate(one.parts, 1):
            with tag("div", "posting-part"):
                word(text, "posting-text", name="div")
                title = f"复制第 {number} 段" if len(one.parts) > 1 else "复制"
                button(title, "c" if number == 1 else "").classes("posting-copy")

    def _foot(self, one: ToPost) -> None:
        with tag("div", "posting-foot"):
            button("已发布", "p", strong=True).on_click(lambda: self._posted(one))
            button("发布不了", "x").on_click(lambda: self._not_posted(one))
            word("", "posting-copied good").props('role="status"')
            if one.handed.delivery.purpose not in _ANSWERS:
                name = PURPOSES.get(Purpose(one.handed.delivery.purpose), "通知")
                word(f"{name}，不停表", "soft")
            if one.by_program:
                word("对方程序一直没有确认。请先到平台上看看，已经有了再标记，以免重复。", "bad")

    @on_page
    async def _posted(self, one: ToPost) -> None:
        number = one.handed.delivery.id or 0
        said = await self.visit.ask(lambda s: self.visit.desk.handing.posted(s, number))
        await self._said(said)

    @on_page
    async def _not_posted(self, one: ToPost) -> None:
        chosen = await choose("为什么发布不了？", _WHY_NOT, words="别的原因")
        if not chosen:
            return
        number, reason = one.handed.delivery.id or 0, chosen.removeprefix("=")
        said = await self.visit.ask(lambda s: self.visit.desk.handing.not_posted(s, number, reason))
        await self._said(said)

    async def act(self, key: str, one: ToPost) -> None:
        if key == "c":
            place = f'[data-delivery="{one.handed.delivery.id}"] .posting-text'
            ui.run_javascript(f"copyText(document.querySelector('{place}'))")
        elif key == "p":
            await self._posted(one)
        elif key == "x":
            await self._not_posted(one)

    async def _said(self, said: str | None) -> None:
        if said:
            self.visit.tell(said)
        await self.look()


def _pinned(one: ToPost) -> bool:
    return one.handed.delivery.purpose == Purpose.PINNED
