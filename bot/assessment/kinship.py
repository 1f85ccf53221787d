"""Accounts with the same function, proposed for 整合; every pair says why. Pure.

Only accounts on one platform and for one place are compared: the same office on two platforms
reaches different people, and two districts answer for different ones.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from rapidfuzz import fuzz

from bot.assessment.figures import Figures
from knowledge.text import normalize, stop_words, words

ENOUGH = 1.0
"""What the reasons of a pair must come to; see ``_reasons``."""
_ALIKE_NAMES = 80
_ALIKE_DESCRIPTIONS = 0.5
_ALIKE_TOPICS = 0.7
_FEWEST_ANSWERS = 10
_FEWEST_WORDS = 4
_COMMONPLACES = frozenset(
    re.findall(
        r"\w+",
        "政策 便民 信息 解读 提供 咨询 宣传 新闻 权威 群众 市民 百姓 工作 动态 公开 办理 相关 部门"
        " 欢迎 关注 了解 最新 及时 本地 账号 政民 互动",
    )
)
"""Words that any account says of itself."""
_PLACE = re.compile(r"[\u4e00-\u9fff]{1,7}?(?:省|自治区|自治州|市|区|县|旗|镇|乡|街道)")
_NO_PLACES = tuple(re.findall(r"\w+", "城市 都市 超市 社区 小区 园区 景区 校区 城镇 乡镇 城乡"))
_DRESS = re.compile(
    "政务新媒体|政务微信|政务微博|官方|公众号|订阅号|服务号|小程序|视频号|微博|微信|抖音|号"
    "|发布|在线|服务|平台|政务|之声|之窗|资讯|播报|微|局|委员会|委|办公室|办|中心|人民政府|政府"
)


@dataclass(frozen=True, slots=True)
class Kin:
    """What is compared of an account."""

    key: str
    name: str
    platform: str
    sponsor: str = ""
    description: str = ""
    topics: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Seen:
    """An account as it is compared."""

    account: Kin
    core: str
    sponsor: str
    places: frozenset[str]
    telling: tuple[str, ...]


def groups(accounts: Sequence[Kin]) -> list[Figures]:
    """Groups of accounts with the same function, each with its pairs and their reasons."""
    stems = {place[:-1] for account in accounts for place in _own_places(account)}
    longest_first = sorted((one for one in stems if len(one) > 1), key=len, reverse=True)
    platforms: dict[str, list[_Seen]] = {}
    for account in accounts:
        platforms.setdefault(account.platform, []).append(_see(account, longest_first))
    pairs = [
        found
        for same in platforms.values()
        for one, other in combinations(same, 2)
        if (found := _pair(one, other))
    ]
    known = {account.key: account for account in accounts}
    return [
        {
            "accounts": sorted(members),
            "names": [known[key].name for key in sorted(members)],
            "platform": known[min(members)].platform,
            "pairs": [pair for pair in pairs if pair["a"] in members],
        }
        for members in _joined(pairs)
    ]


def _see(account: Kin, stems: Sequence[str]) -> _Seen:
    return _Seen(
        account,
        core(account.name, stems),
        normalize(account.sponsor),
        frozenset(_own_places(account)),
        tuple(_telling(account.description)),
    )


def _joined(pairs: Sequence[Figures]) -> list[set[str]]:
    """Accounts that pairs hold together."""
    found: list[set[str]] = []
    for pair in pairs:
        members = {pair["a"], pair["b"]}
        for other in [one for one in found if one & members]:
            found.remove(other)
            members |= other
        found.append(members)
    return sorted(found, key=min)


def _pair(one: _Seen, other: _Seen) -> Figures | None:
    if one.places and other.places and one.places != other.places:
        return None  # one that names no place may be of any
    found = list(_reasons(one, other))
    strength = sum(weight for weight, _ in found)
    if strength < ENOUGH - 1e-9:
        return None
    reasons = [text for _, text in found]
    keys = {"a": one.account.key, "b": other.account.key}
    return {**keys, "strength": round(strength, 2), "reasons": reasons}


def _reasons(one: _Seen, other: _Seen) -> Iterator[tuple[float, str]]:
    """What speaks for the same function, and how much. Names or a common sponsor alone are not
    enough: one office may keep an account for each of its tasks."""
    alike = fuzz.ratio(one.core, other.core, score_cutoff=_ALIKE_NAMES)
    if alike:
        both = f"“{one.core}”与“{other.core}”"
        same = f"都是“{one.core}”" if one.core == other.core else both
        yield 0.6, f"名称去掉地名和平台用语后相近（{same}，{alike:.0f}%）"
    if one.sponsor and one.sponsor == other.sponsor:
        yield 0.4, f"主办单位都是{one.account.sponsor}"
    common, share = _described(one.telling, other.telling)
    if share >= _ALIKE_DESCRIPTIONS:
        yield 0.6, f"简介相近（{share:.0%}，都有“{'、'.join(common[:5])}”）"
    topics, cosine = _answered(one.account.topics, other.account.topics)
    if cosine >= _ALIKE_TOPICS:
        yield 0.6, f"答复的事项相近（{cosine:.0%}，主要都是{'、'.join(topics[:3])}）"


def core(name: str, stems: Sequence[str] = ()) -> str:
    """What is left of a name without places and platform words; a name of nothing else stays."""
    folded = normalize(name)
    for place in (*_places(folded), *stems):
        folded = folded.replace(place, "")
    return re.sub(r"[\W_]", "", _DRESS.sub("", folded)) or normalize(name)


def _own_places(account: Kin) -> list[str]:
    return _places(normalize(account.sponsor)) or _places(normalize(account.name))


def _places(folded: str) -> list[str]:
    return [place for place in _PLACE.findall(folded) if not place.endswith(_NO_PLACES)]


def _telling(text: str) -> Iterator[str]:
    """Words of two or more characters that say what an account is for, each once."""
    plain = normalize(text)
    for place in _places(plain):
        plain = plain.replace(place, " ")
    found = dict.fromkeys(words(_DRESS.sub(" ", plain)))
    empty = stop_words() | _COMMONPLACES
    return (word for word in found if len(word) > 1 and word not in empty)


def _described(first: Sequence[str], second: Sequence[str]) -> tuple[list[str], float]:
    """The words that two descriptions share, and their share of the shorter one."""
    if min(len(first), len(second)) < _FEWEST_WORDS:
        return [], 0.0
    common = [word for word in first if word in second]
    return sorted(common, key=len, reverse=True), len(common) / min(len(first), len(second))


def _answered(first: Mapping[str, int], second: Mapping[str, int]) -> tuple[list[str], float]:
    """The matters that both answered most, and how alike their shares are (cosine)."""
    if min(sum(first.values()), sum(second.values())) < _FEWEST_ANSWERS:
        return [], 0.0
    product = Counter({one: first[one] * second[one] for one in set(first) & set(second)})
    lengths = (math.sqrt(sum(n * n for n in one.values())) for one in (first, second))
    together = [topic for topic, _ in product.most_common()]
    return together, sum(product.values()) / math.prod(lengths)
