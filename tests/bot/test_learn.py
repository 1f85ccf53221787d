"""wenban kb learn and kb evidence, on a real database."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from storage.db import Database
from tests.bot.desk.test_learning import BASE, PAIR, QUESTIONS, SIMILAR, WORDING
from tests.cli import Run, audits
from tests.support import build_town


@pytest.fixture
def conversations(database_url: str) -> None:
    """What people decided about questions, in the database that the commands use."""

    async def happen() -> None:
        database = Database(database_url)
        town = await build_town(database, known=BASE)
        for citizen, (text, entry_id) in enumerate(QUESTIONS):
            await town.answered(text, entry_id, str(citizen))
        await town.answered(f"我叫王小明，电话13800138000，{WORDING}", "gone", "9")
        await database.close()

    asyncio.run(happen())


def test_nothing_to_learn_is_said(wenban: Run) -> None:
    code, out, _ = wenban("kb", "learn", "list")
    assert (code, "现在没有可以学的" in out) == (0, True)


def test_proposals_are_listed_accepted_and_rejected(
    wenban: Run, conversations: None, database_url: str
) -> None:
    code, out, _ = wenban("kb", "learn", "list")
    assert (code, SIMILAR[:8] in out, PAIR[:8] in out) == (0, True, True)
    assert f"{WORDING} → 去世人员怎么注销户口" in out
    assert ("公基金 = 公积金" in out, "租房子公基金咋取" in out) == (True, True)
    assert ("王小明" in out, "138" in out) == (False, False)
    code, out, err = wenban("kb", "learn", "accept", SIMILAR[:8], PAIR[:8])
    assert (code, out.count("已记下："), "几秒内" in out, err) == (0, 2, True, "")
    assert "公基金" in wenban("kb", "words", "list")[1]
    assert wenban("kb", "export", "kb.csv")[0] == 0
    assert WORDING in Path("kb.csv").read_text("utf-8-sig")
    code, _, err = wenban("kb", "learn", "reject", SIMILAR[:8])
    assert (code, "没有编号" in err) == (1, True)
    assert PAIR[:8] not in wenban("kb", "learn", "list")[1]
    actors = {actor for actor, action, _ in audits(database_url) if action == "proposal.accept"}
    assert len(actors) == 1 and actors.pop().startswith("os:")


def test_what_is_rejected_is_gone(wenban: Run, conversations: None) -> None:
    code, out, _ = wenban("kb", "learn", "reject", PAIR[:8])
    assert (code, "不再提出：公基金 = 公积金" in out) == (0, True)
    assert PAIR[:8] not in wenban("kb", "learn", "list")[1]
    assert "还没有改过" in wenban("kb", "words", "list")[1]


def test_what_would_spoil_a_saved_question_ends_with_1_and_is_named(
    wenban: Run, conversations: None
) -> None:
    Path("gold.csv").write_text("问法,编号\n公基金怎么迁,moved\n", "utf-8")
    assert wenban("kb", "test", "gold.csv")[0] == 0
    code, out, err = wenban("kb", "learn", "accept", PAIR[:8], SIMILAR[:8])
    assert (code, out.count("已记下：")) == (1, 1)
    assert "公基金 = 公积金：没有记：会让测试问题“公基金怎么迁”答错" in err
    assert "有 1 个没有记下" in err


def test_evidence_goes_to_a_file_without_who_asked(
    wenban: Run, conversations: None, database_url: str
) -> None:
    code, out, _ = wenban("kb", "evidence", "own.jsonl")
    assert (code, "已导出 4 个" in out) == (0, True)
    lines = [json.loads(line) for line in Path("own.jsonl").read_text("utf-8").splitlines()]
    assert [one["query"] for one in lines] == [*(text for text, _ in QUESTIONS), WORDING]
    assert [one["chosen"] for one in lines] == ["buy", "rent", "loan", "gone"]
    assert all(one["by"] == "staff" and set(one["rejected"]) < set(one["offered"]) for one in lines)
    assert all(set(one) == {"query", "offered", "chosen", "rejected", "by", "day"} for one in lines)
    assert ("kb.evidence", {"questions": 4}) in [(a, d) for _, a, d in audits(database_url)]
    code, _, err = wenban("kb", "evidence", "own.jsonl")
    assert (code, "已存在" in err) == (1, True)
