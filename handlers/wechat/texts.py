"""What the WeChat door itself says; everything else is the desk's wording."""

from __future__ import annotations

HELP = (
    "直接发您的问题就行，一句话说清要办什么。照片、语音、位置也可以发，工作人员会看。\n"
    "\n"
    "也可以发：\n"
    "菜单：常办的事\n"
    "我的诉求：到哪一步了\n"
    "转人工：请工作人员回复\n"
    "评价：给答复打分\n"
    "我的信息：保存了我的哪些信息\n"
    "删除我的信息\n"
    "\n"
    "请不要发身份证号、银行卡号。"
)
ERASE_ASK = (
    "要删除我们保存的您的信息吗？正在办理的诉求会一起撤回，删后找不回来。\n"
    "确定要删，请回复“确认删除我的信息”。"
)
ERASE_YES = "确认删除我的信息"
HUMAN_HOW = "请直接写下您要说的事，并发“转人工”，工作人员会回复您。"
MENU = "大家常问：\n\n{topics}\n\n把问题发给我就能看到答复，没列出的也可以直接问。"
MENU_TOPIC = "{topic}，大家常问：\n{questions}\n\n把问题发给我就能看到答复。"
MENU_EMPTY = "常办的事还没整理好，直接发您的问题就行。"
