"""What stored codes are called on the screen, and how two texts differ."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher

from storage.terms import DeliveryState, EventKind, Purpose

EVENTS = {
    EventKind.OPENED: "收到",
    EventKind.MESSAGE: "群众留言",
    EventKind.EDITED: "群众修改留言",
    EventKind.TRIAGED: "研判",
    EventKind.CLARIFIED: "反问群众",
    EventKind.CHOSEN: "群众选择",
    EventKind.DRAFTED: "拟答",
    EventKind.ACKNOWLEDGED: "自动回执送达",
    EventKind.DUE_SET: "设定时限",
    EventKind.REVIEWED: "审核通过",
    EventKind.REPLY_QUEUED: "答复待发",
    EventKind.REPLY_TAKEN_BACK: "撤销待发的答复",
    EventKind.REPLIED: "答复送达",
    EventKind.EVASION_OVERRULED: "认定为有效答复",
    EventKind.DELIVERY_FAILED: "未能送达",
    EventKind.HELPFUL: "群众：有帮助",
    EventKind.NOT_HELPFUL: "群众：没解决",
    EventKind.REOPENED: "重新受理",
    EventKind.RATED: "群众评价",
    EventKind.RESOLVED: "办结",
    EventKind.CLOSED: "关闭",
    EventKind.ASSIGNED: "分派",
    EventKind.TRANSFERRED: "转办",
    EventKind.ACCEPTED: "接收转办",
    EventKind.RETURNED: "退件",
    EventKind.SNOOZED: "放后",
    EventKind.SPLIT: "拆分",
    EventKind.CATEGORY_CHANGED: "改类别",
    EventKind.PAUSED: "计时暂停",
    EventKind.UNPAUSED: "计时恢复",
    EventKind.EXTENSION_REQUESTED: "申请延期",
    EventKind.EXTENSION_APPROVED: "批准延期",
    EventKind.EXTENSION_REFUSED: "不同意延期",
    EventKind.MERGED: "并入别件",
    EventKind.ABSORBED: "并入一件",
    EventKind.UNMERGED: "撤销合并",
    EventKind.EXCLUSION_PROPOSED: "提出剔除",
    EventKind.EXCLUDED: "剔除",
    EventKind.EXCLUSION_REFUSED: "不同意剔除",
    EventKind.EXCLUSION_REVOKED: "恢复计入",
    EventKind.RATING_ASKED: "请群众评价",
    EventKind.COMMENTED: "群众意见",
    EventKind.FOLLOW_UP_COMMENTED: "回访意见",
    EventKind.CALLBACK_OPENED: "安排回访",
    EventKind.CALLBACK_DONE: "回访完成",
    EventKind.ESCALATED: "督办提醒",
    EventKind.ERASED: "内容已抹去",
    EventKind.IMPORTED: "历史导入",
}
PURPOSES = {
    Purpose.REPLY: "答复",
    Purpose.REPLY_PART: "答复",
    Purpose.PINNED: "置顶答复",
    Purpose.SUPPLEMENT: "请群众补充",
    Purpose.RATING: "请群众评价",
    Purpose.ACKNOWLEDGEMENT: "自动回执",
    Purpose.CLARIFICATION: "反问",
    Purpose.NOTICE: "通知",
}
DELIVERIES = {
    DeliveryState.PENDING: "待发",
    DeliveryState.SENDING: "正在发",
    DeliveryState.HANDED: "已交出，等确认发布",
    DeliveryState.SENT: "已送达",
    DeliveryState.FAILED: "未发出",
    DeliveryState.HELD: "等群众来消息再送",
}
ATTACHMENTS = {
    "photo": "照片",
    "voice": "语音",
    "audio": "音频",
    "video": "视频",
    "document": "文件",
    "location": "位置",
    "sticker": "表情",
    "contact": "名片",
    "link": "链接",
}
_LONGEST = 6000


def actor(code: str, names: dict[int, str]) -> str:
    """Who is meant by an actor of the ledger."""
    if code.startswith("staff:") and code[6:].isdigit():
        return names.get(int(code[6:]), "已删除的人员")
    if code.startswith("os:"):
        return "命令行"
    return {"system": "系统", "citizen": "群众"}.get(code, "系统")


def changes(before: str, after: str) -> Iterator[tuple[str, str]]:
    """The two texts as pieces: kept, gone or new."""
    if len(before) + len(after) > _LONGEST:
        yield from (("gone", before), ("new", after))
        return
    for verb, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if verb == "equal":
            yield "kept", before[a:b]
            continue
        if b > a:
            yield "gone", before[a:b]
        if d > c:
            yield "new", after[c:d]
