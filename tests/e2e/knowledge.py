"""The knowledge base of the end-to-end tests: clear questions, twins, and what staff must see."""

from __future__ import annotations

from knowledge.catalog import Entry, Link

ID_LOST = "带户口簿到任一派出所补领"
CARD_LOST = "先打 12333 挂失"
DOGS = "携犬只免疫证明到派出所登记"
PRIMARY = "小学每年六月网上报名"
MIDDLE = "初中每年七月网上报名"
LOW_INCOME = "向户籍所在街道提出低保申请"
LONG_PARTS = 3

ENTRIES = (
    Entry(
        "id-lost",
        "身份证丢失怎么补领",
        f"{ID_LOST}，20 个工作日内取证。",
        similar=("身份证丢了怎么办",),
        department="市公安局",
        topic="户籍",
        links=(Link("预约补领", "https://zwfw.yunchuan.example/sfz"),),
        automatic=True,
    ),
    Entry(
        "card-lost",
        "社保卡丢失怎么补办",
        f"{CARD_LOST}，再到服务网点补办。",
        similar=("社保卡丢了怎么补",),
        department="市人社局",
        topic="社保",
        automatic=True,
    ),
    Entry("dogs", "养犬登记怎么办理", f"{DOGS}。", department="市公安局", automatic=True),
    Entry("primary", "公办小学怎么报名入学", f"{PRIMARY}。", department="市教育局", automatic=True),
    Entry("middle", "公办初中怎么报名入学", f"{MIDDLE}。", department="市教育局", automatic=True),
    Entry("low-income", "低保怎么申请", f"{LOW_INCOME}。", department="市民政局"),
    Entry("relief", "临时救助怎么申请", "向居住地街道提出临时救助申请。", department="市民政局"),
    Entry(
        "long",
        "住房公积金贷款全部流程是什么",
        "\n\n".join(
            f"第{part}部分：" + "请准备好材料并按顺序办理。" * 300
            for part in range(1, LONG_PARTS + 1)
        ),
        department="市住房公积金管理中心",
        automatic=True,
    ),
)
