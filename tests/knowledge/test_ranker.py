from __future__ import annotations

from knowledge.catalog import Entry
from knowledge.index import Index, analyse
from knowledge.ranker import FEATURES, WEIGHTS, Ranked, actions, rank, things


def ranked(text: str, *questions: str) -> list[Ranked]:
    index = Index()
    for question in questions:
        index.put(Entry(question, question, ""))
    query = analyse(text)
    return rank(query, index.find(query), index)


def best(text: str, *questions: str) -> str:
    return ranked(text, *questions)[0].hit.slot.entry.id


def test_every_feature_has_a_weight() -> None:
    assert tuple(WEIGHTS) == FEATURES


def test_actions_and_things() -> None:
    assert actions("身份证丢了") == actions("遗失身份证") == {"补领"}
    assert actions("身份证") == frozenset()
    assert things("临时身份证") == {"临时身份证"}
    assert things("驾照和户口本") == {"驾驶证", "户口簿"}


def test_the_thing_outweighs_the_likeness_of_the_wording() -> None:
    assert best("身份证丢了", "社保卡丢失", "身份证丢失补领") == "身份证丢失补领"


def test_the_action_tells_siblings_apart() -> None:
    siblings = ("居民身份证首次申领", "居民身份证丢失补领", "居民身份证到期换领")
    assert best("身份证弄丢了", *siblings) == "居民身份证丢失补领"
    assert best("身份证过期了", *siblings) == "居民身份证到期换领"
    assert best("第一次办身份证", *siblings) == "居民身份证首次申领"


def test_probabilities_are_shared() -> None:
    found = ranked("身份证丢了", "身份证丢失补领", "身份证遗失补办", "社保卡丢失")
    assert sum(one.probability for one in found) <= 1
    assert found == sorted(found, key=lambda one: -one.probability)
    assert found[0].probability < 0.9


def test_another_thing_is_hardly_probable() -> None:
    assert ranked("护照丢了怎么办", "身份证丢了怎么办")[0].probability < 0.1
    assert ranked("身份证丢了怎么办", "身份证丢了怎么办")[0].probability > 0.95


def test_a_bare_name_cannot_choose() -> None:
    found = ranked("公积金", "公积金提取条件", "公积金贷款额度是多少")
    assert found[0].probability - found[1].probability < 0.8


def test_shared_words_are_the_query_s_own() -> None:
    assert ranked("身分證丢了", "身份证丢失补领", "社保卡补领")[0].shared == ("身分证", "丢")


def test_nothing_found_is_nothing_ranked() -> None:
    assert rank(analyse("身份证"), [], Index()) == []
