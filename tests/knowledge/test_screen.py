from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.screen import Ruling, Screen, screen


@pytest.mark.parametrize(
    ("text", "kind", "shown"),
    [
        ("请联系张先生13812341234", "未遮盖的手机号", "138****1234"),
        ("身份证430102199001011234", "未遮盖的身份证号", "43*************234"),
        ("家住麓山南路932号5栋", "未遮盖的住址", "家住麓山南路***"),
        ("你这个傻子", "不文明用语", "傻子"),
        ("保证三天办好", "绝对承诺", "保证"),
        ("一定会解决的", "绝对承诺", "一定会解决"),
        ("百分之百能通过", "绝对承诺", "百分之百"),
        ("以上为内部资料", "内部用语", "内部资料"),
        ("这不归我们管", "推诿用语", "不归我们管"),
        ("尊敬的{姓名}：", "未填完的内容", "{姓名}"),
        ("联系电话【待填】", "未填完的内容", "【待填】"),
        ("办理时间为____", "未填完的内容", "____"),
        ("请到XX局办理", "未填完的内容", "XX"),
        ("todo 补材料", "未填完的内容", "todo"),
    ],
)
def test_what_must_not_be_published(text: str, kind: str, shown: str) -> None:
    found = [(finding.kind, finding.text) for finding in screen(text)]
    assert (kind, shown) in found


@pytest.mark.parametrize(
    "text",
    [
        "您好，身份证丢失后请本人持户口簿到派出所户籍窗口补领，工本费40元。",
        "请缴纳农民工工资保证金，依据湘政办发〔2021〕12号。",
        "请保证材料真实有效，为保证办理进度请提前预约。",
        "保证金问题由人社局解决，我们一定会认真对待您的意见。",
        "不一定能当场办结，咨询电话12345。",
        "地址：中山路1号政务服务中心3号楼2单元，工作日8:30-17:30。",
        "【温馨提示】材料齐全的5个工作日内办结。",
        "爸妈的养老金可以由子女代办认证。",
        "手机号138****1234的用户已登记。",
        "",
    ],
)
def test_ordinary_replies_pass(text: str) -> None:
    assert screen(text) == []


def test_findings_come_in_order_and_speak_chinese() -> None:
    found = screen("保证办好，电话13812341234，{姓名}")
    assert [finding.start for finding in found] == sorted(finding.start for finding in found)
    assert str(found[0]) == "绝对承诺“保证”：请改为有依据、有条件的说法"
    assert "13812341234" not in "".join(map(str, found))


@given(st.text(max_size=80))
def test_any_text_is_screened(text: str) -> None:
    assert all(0 <= finding.start < finding.end <= len(text) for finding in screen(text))


def test_an_office_rules_out_words_warns_of_others_and_lets_some_pass() -> None:
    own = Screen(
        [
            Ruling("老百姓", "warn", "请改为“群众”"),
            Ruling("ABC.D", "block", "请改掉"),
            Ruling("傻子", "off", "误拦"),
        ]
    )
    found = own("老百姓说abc.d好，傻子和白痴")
    assert [(one.text, one.blocks) for one in found] == [
        ("老百姓", False),
        ("abc.d", True),
        ("白痴", True),
    ]
    assert own("abcxd") == []
    assert [one.text for one in own.blocking("老百姓是白痴")] == ["白痴"]
    assert [one.text for one in screen("傻子")] == ["傻子"]
