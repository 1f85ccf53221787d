"""Speed at a size: `python -m benchmarks.speed [--sizes 1400,100000,1000000]`.

Synthetic questions by words alone: build time, memory, and milliseconds for a query, beside
rapidfuzz and bm25s in the same run. Each size and contender has a process of its own.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np

from knowledge.catalog import Entry
from knowledge.matcher import Matcher
from knowledge.text import words


def words_in(text: str) -> list[str]:
    return text.split()


PLACES = words_in("东湖 西岭 南苑 北关 新城 老街 河东 山前 海滨 林场 高新 经开 古镇 桥头 花园 港区")
THINGS = words_in(
    "身份证 居住证 社保卡 医保 公积金 驾驶证 行驶证 "
    "营业执照 残疾证 户口 护照 低保 公租房 生育津贴 "
    "失业金 养老金 契税 发票 路灯 井盖 自来水 燃气 "
    "电表 停车位 幼儿园 小学 初中 图书馆 体育馆 公园 "
    "垃圾 噪音 违建 物业费 维修基金 宅基地 不动产证 "
    "健康证 教师资格证 退役军人 志愿者 疫苗"
)
ACTIONS = words_in(
    "补办 换领 注销 申请 查询 变更 提取 缴纳 退费 延期 预约 年审 投诉 报修 转移 登记"
)
ASKED = words_in(
    "怎么办理 要带什么材料 多少钱 在哪里办 几天能办好 有什么条件 能网上办吗 找哪个部门"
)
PEOPLE = words_in("老人 孩子 学生 农民工 个体户 外地人 军属 残疾人 孕妇 大学生 退休人员 港澳居民")
SYLLABLES = "安白成达恩方国海静康丽明宁平清荣盛泰文兴雅中振志"
CONTENDERS = ("wenban", "rapidfuzz", "bm25s")
QUERIES = 200


def questions(count: int) -> Iterator[str]:
    """Different questions, most with a rare name of their own as real ones have."""
    pick = random.Random(7)
    seen: set[str] = set()
    while len(seen) < count:
        name = "".join(pick.choices(SYLLABLES, k=3))
        parts = [pick.choice(PLACES) + name, pick.choice(PEOPLE), pick.choice(THINGS)]
        text = "".join([*parts, pick.choice(ACTIONS), pick.choice(ASKED)])
        if text not in seen:
            seen.add(text)
            yield text


def queries(asked: list[str]) -> list[str]:
    """Parts of some questions in other words."""
    pick = random.Random(11)
    texts = pick.sample(asked, min(QUERIES, len(asked)))
    return [f"您好，我想问一下{text[2:-4]}的事，要怎么弄" for text in texts]


def prepare(name: str, asked: list[str]) -> Callable[[str], object]:
    if name == "wenban":
        entries = [Entry(str(n), text, "请到窗口办理。") for n, text in enumerate(asked)]
        return Matcher(entries).match
    if name == "rapidfuzz":
        from rapidfuzz import process

        return lambda text: process.extract(text, asked, limit=10)
    import bm25s

    retriever = bm25s.BM25()
    retriever.index([words(text) for text in asked], show_progress=False)
    return lambda text: retriever.retrieve([words(text)], k=10, show_progress=False)


def measure(name: str, size: int) -> None:
    asked = list(questions(size))
    words("预热")
    before = _memory()
    start = time.perf_counter()
    find = prepare(name, asked)
    built = time.perf_counter() - start
    texts = queries(asked)
    if name == "rapidfuzz" and size > 100_000:
        texts = texts[:20]
    times = []
    for text in texts:
        start = time.perf_counter()
        find(text)
        times.append((time.perf_counter() - start) * 1000)
    p50, p99 = np.percentile(times, [50, 99])
    used = (_memory() - before) / 1024
    print(f"{size:>9} {name:12}{built:10.1f}{used:10.0f}{p50:10.2f}{p99:10.2f}", flush=True)


def _memory() -> int:
    """Kilobytes at the highest so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // 1024 if sys.platform == "darwin" else most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1400,100000,1000000")
    parser.add_argument("--one", nargs=2, metavar=("NAME", "SIZE"))
    arguments = parser.parse_args()
    if arguments.one:
        measure(arguments.one[0], int(arguments.one[1]))
        return
    print(f"{'questions':>9} {'':12}{'build s':>10}{'MB':>10}{'p50 ms':>10}{'p99 ms':>10}")
    for size in arguments.sizes.split(","):
        for name in CONTENDERS:
            command = [sys.executable, "-m", "benchmarks.speed", "--one", name, size]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
