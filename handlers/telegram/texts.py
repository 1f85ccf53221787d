"""What the Telegram door itself says; everything else is the desk's wording."""

from __future__ import annotations

START = (
    "您好 👋 直接告诉我您要办的事，比如“身份证丢了怎么补”。\n"
    "能马上答的我马上答，答不了的转给工作人员。\n"
    "发“菜单”看常办的事，发“帮助”看我还能做什么。"
)
HELP = (
    "直接发您的问题就行，一句话说清要办什么。照片、语音、位置也可以发，工作人员会看。\n"
    "\n"
    "/menu 常办的事\n"
    "/mine 我的诉求到哪一步了\n"
    "/human 转人工\n"
    "/rate 给答复打分\n"
    "/mydata 保存了我的哪些信息\n"
    "/erase 删除我的信息\n"
    "\n"
    "请不要发身份证号、银行卡号。"
)
GROUP_HELP = "在这里直接提问就行，我会回复您那条消息。要查进度或有隐私内容，请私聊我。"
PRIVATE_ONLY = "这个请私聊我查看，别让旁人看到您的信息。"
UNKNOWN_COMMAND = "没有这个命令。直接发您的问题就行，发“帮助”看我能做什么。"
HUMAN = "转人工"

ERASE_ASK = "要删除我们保存的您的信息吗？正在办理的诉求会一起撤回，删后找不回来。"
ERASE_YES = "确认删除"
ERASE_NO = "不删了"
ERASE_KEPT = "好的，没有删除。"

MENU = "您要办哪类事？"
MENU_TOPIC = "{topic}：点一下就能看答案"
MENU_EMPTY = "常办的事还没整理好，直接发您的问题就行。"
MENU_CHANGED = "菜单刚更新过，请重新发“菜单”。"
ASKED = "您问的是：{question}"
ASKED_TOAST = "收到，马上回复您。"

STALE_BUTTON = "这个按钮已经不能用了，请直接发消息给我。"
TROUBLE = "抱歉，刚才没有处理成功，请再试一次。"

NOT_STAFF = (
    "您还没有登记为工作人员。您的编号是 {user_id}，请管理员运行：\n"
    "wenban user add 登录名 --name 姓名 --role 坐席 --telegram-id {user_id}"
)
WRITE_TEXT = "答复要用文字写，这条没有发给群众。"
WHICH_CASE = "没认出您回复的是哪件诉求，请在它的卡片上点“编辑”再写。"
CHOOSE_DEPARTMENT = "转给哪个单位？"
CHOOSE_CATEGORY = "改成哪一类？"
NO_CATEGORIES = "没有可改的类别。"
COMMENT_HOW = "想说几句，直接回复本消息。"
CHOOSE_REASON = "因为什么？"
CHOOSE_DAYS = "延长多久？"
CHOOSE_REPEAT = "和哪一件是同一件事？"
NO_REPEATS = "这位群众没有别的在办诉求，不用合并。"
CHOOSE_MERGED = "分开哪一件？"
NO_MERGED = "这件诉求没有并入别的诉求。"
OWN_WORDS = "自己写"
WHICH_NUMBER = "请写上诉求编号，例如 /case 12。"
NO_DEPARTMENTS = "还没有设置承办单位，请管理员在 desk.departments 里填写。"
NO_ATTACHMENTS = "这件诉求没有附件。"
ATTACHMENTS_SENT = "附件在下面。"
ATTACHMENT_GONE = "有一个附件调不出来，可能群众已经删除。"
OTHER_ATTACHMENT = "附件“{title}”是在别的平台发来的，请到工作台查看。"
IDENTITY = "您的编号：{user_id}\n本会话编号：{chat_id}"
